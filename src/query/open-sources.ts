import type { SourceReader, SourceReaderOptions } from "../enrich/source-reader.ts";

/** Opens the sources at the first question about them, once: most daemons are never asked. */
export function openSourcesOnce(options: SourceReaderOptions): () => Promise<SourceReader> {
  let opened: Promise<SourceReader> | undefined;
  return () => {
    opened ??= import("../enrich/source-reader.ts").then(({ openSourceReader }) => openSourceReader(options));
    return opened;
  };
}
