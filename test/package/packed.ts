import { execFileSync } from "node:child_process";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  realpathSync,
  rmSync,
  symlinkSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const MODULES = join(ROOT, "node_modules");
/** What building and packing read. */
const SOURCES = [
  ...["bin", "demo", "extension", "scripts", "src"],
  ...["package.json", "tsconfig.json", "tsconfig.build.json", "README.md", "CHANGELOG.md", "LICENSE"],
];

/** They look for packages from where they really are, so that a link would lead them back to the checkout. */
const COPIED = ["mocha"];

/** A project with the package installed as npm would, and what else the checkout has installed beside it. */
export interface PackedProject {
  readonly folder: string;
  /** Paths of the package, as `npm pack` lists them. */
  readonly files: readonly string[];
  readonly launcher: string;
  /** Programs of the project first. */
  readonly path: string;
  remove(): void;
}

/** Builds and packs a copy of the checkout, which stays as it is, and installs the archive in a project of its own. */
export function packProject(): PackedProject {
  const top = realpathSync(mkdtempSync(join(tmpdir(), "gasoline-package-")));
  const copy = join(top, "checkout");
  for (const name of SOURCES) {
    cpSync(join(ROOT, name), join(copy, name), {
      recursive: true,
      filter: (path) => basename(path) !== "node_modules",
    });
  }
  for (const modules of ["node_modules", "extension/node_modules"]) {
    if (existsSync(join(ROOT, modules))) symlinkSync(join(ROOT, modules), join(copy, modules));
  }
  const path = `${join(MODULES, ".bin")}:${process.env.PATH}`;
  const options = { cwd: copy, env: { ...process.env, PATH: path }, encoding: "utf8" } as const;
  // Building is what `prepack` does; its own words go to stdout as well.
  execFileSync("npm", ["run", "build"], { ...options, stdio: "pipe" });
  const told = execFileSync("npm", ["pack", "--json", "--ignore-scripts"], { ...options, stdio: "pipe" });
  const [packed] = JSON.parse(told) as { filename: string; files: { path: string }[] }[];

  const folder = join(top, "project");
  const installed = join(folder, "node_modules", "gasoline360");
  mkdirSync(installed, { recursive: true });
  execFileSync("tar", ["-xzf", join(copy, packed!.filename), "-C", installed, "--strip-components=1"]);
  for (const name of readdirSync(MODULES)) {
    if (name.startsWith("gasoline360")) continue;
    const place = join(folder, "node_modules", name);
    if (COPIED.includes(name)) cpSync(join(MODULES, name), place, { recursive: true });
    else symlinkSync(join(MODULES, name), place);
  }
  return {
    folder,
    files: packed!.files.map((file) => file.path),
    launcher: join(installed, "bin", "gasoline.js"),
    path,
    remove: () => rmSync(top, { recursive: true, force: true }),
  };
}
