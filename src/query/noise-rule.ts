import { z } from "zod";
import { filterSchema } from "./parameters.ts";

/** Which records are noise: filters of observe, all of which must hold. */
export const noiseMatchSchema = filterSchema
  .pick({
    service: true,
    name: true,
    url: true,
    text: true,
    method: true,
    status: true,
    source: true,
    tags: true,
    attributes: true,
  })
  .refine((given) => Object.values(given).some((value) => value !== undefined), {
    message: "expected at least one of service, name, url, text, method, status, source, tags, attributes",
  })
  .refine(({ status }) => status === undefined || !/^(?:error|40[13])$/.test(String(status)), {
    path: ["status"],
    message: "errors, 401 and 403 are never hidden",
  });

/** One rule as people write it. */
export const noiseRuleSchema = z.object({ name: z.string().min(1).max(100), rule: noiseMatchSchema });
export type NoiseRule = z.output<typeof noiseRuleSchema>;
