import { GasolineError } from "../../model/errors.ts";
import { ALNUM, type ByteSet, byteSet, DIGIT } from "./byte-classes.ts";

/** A parsed pattern over the bytes of UTF-8 text. */
export type Pattern =
  | { readonly kind: "set"; readonly set: ByteSet }
  | { readonly kind: "sequence"; readonly items: readonly Pattern[] }
  | { readonly kind: "either"; readonly items: readonly Pattern[] }
  | { readonly kind: "repeat"; readonly item: Pattern; readonly min: number; readonly max: number }
  | { readonly kind: "assert"; readonly what: Assertion };

/** Start and end of the value, and the edge of an ASCII word or its absence. */
export type Assertion = "start" | "end" | "edge" | "noEdge";

const SOURCE_MAX = 512;
const REPEAT_MAX = 255;
const NESTING_MAX = 32;

const WORD = byteSet(membersOf(ALNUM).concat("_"));
const SPACES = byteSet(" \t\n\r\f\v");
const ANY = inverted(byteSet("\n\r"));
const SHORTHANDS: Readonly<Record<string, ByteSet>> = {
  d: DIGIT,
  D: inverted(DIGIT),
  w: WORD,
  W: inverted(WORD),
  s: SPACES,
  S: inverted(SPACES),
};
const CONTROLS: Readonly<Record<string, string>> = { n: "\n", r: "\r", t: "\t", f: "\f", v: "\v", "0": "\0" };

/**
 * Parses the part of JavaScript's regular expressions that can be matched in linear time: literals, `.`,
 * classes, `\d \w \s \b`, groups, `|`, `^ $` and the quantifiers. Bounds: 512 characters, `{…}` up to 255,
 * groups 32 deep. Throws `bad_parameter` for the rest: back references and looking around need a search that
 * can run for ever.
 */
export function parsePattern(source: string): Pattern {
  if (source === "" || source.length > SOURCE_MAX) {
    throw refused(source.slice(0, 40), `it has ${source.length} characters, expected 1 to ${SOURCE_MAX}`);
  }
  const parser = new Parser(source);
  return parser.parse();
}

function refused(source: string, why: string): GasolineError {
  return new GasolineError(
    "bad_parameter",
    `The pattern ${JSON.stringify(source)} is not supported: ${why}.`,
    "Write it with literals, classes such as [A-Z0-9], groups (?:…), |, ^, $, \\b and quantifiers only, for " +
      "example \\bACME-[A-Z0-9]{16}\\b.",
  );
}

class Parser {
  readonly #source: string;
  readonly #chars: readonly string[];
  #at = 0;
  #depth = 0;

  constructor(source: string) {
    this.#source = source;
    this.#chars = [...source];
  }

  parse(): Pattern {
    const pattern = this.#either();
    if (this.#at < this.#chars.length) throw this.#refuse("a ) closes no group");
    return pattern;
  }

  #either(): Pattern {
    this.#depth++;
    if (this.#depth > NESTING_MAX) throw this.#refuse(`groups are nested deeper than ${NESTING_MAX}`);
    const items = [this.#sequence()];
    while (this.#take("|")) items.push(this.#sequence());
    this.#depth--;
    return items.length === 1 ? items[0]! : { kind: "either", items };
  }

  #sequence(): Pattern {
    const items: Pattern[] = [];
    while (this.#at < this.#chars.length && this.#peek() !== "|" && this.#peek() !== ")") {
      items.push(this.#quantified(this.#atom()));
    }
    return { kind: "sequence", items };
  }

  #quantified(item: Pattern): Pattern {
    const quantifier = this.#quantifier();
    if (quantifier === undefined) return item;
    if (item.kind === "assert") throw this.#refuse("a quantifier follows nothing that it can repeat");
    // Every byte of every match is masked, so a lazy quantifier masks what a greedy one does.
    this.#take("?");
    if (this.#quantifier() !== undefined) throw this.#refuse("two quantifiers follow each other");
    return { kind: "repeat", item, ...quantifier };
  }

  #quantifier(): { min: number; max: number } | undefined {
    if (this.#take("*")) return { min: 0, max: Number.POSITIVE_INFINITY };
    if (this.#take("+")) return { min: 1, max: Number.POSITIVE_INFINITY };
    if (this.#take("?")) return { min: 0, max: 1 };
    const braces = /^\{(\d{1,5})(,(\d{1,5})?)?\}/.exec(this.#chars.slice(this.#at, this.#at + 16).join(""));
    if (braces === null) return undefined;
    this.#at += braces[0].length;
    const min = Number(braces[1]);
    const unbounded = braces[2] !== undefined && braces[3] === undefined;
    const max = unbounded ? Number.POSITIVE_INFINITY : Number(braces[3] ?? min);
    if (min > REPEAT_MAX || (!unbounded && max > REPEAT_MAX) || max < min) {
      throw this.#refuse(`${braces[0]} does not count from low to high within 0 to ${REPEAT_MAX}`);
    }
    return { min, max };
  }

  #atom(): Pattern {
    const char = this.#next();
    switch (char) {
      case "(":
        return this.#group();
      case "[":
        return { kind: "set", set: this.#class() };
      case ".":
        return { kind: "set", set: ANY };
      case "^":
        return { kind: "assert", what: "start" };
      case "$":
        return { kind: "assert", what: "end" };
      case "\\":
        return this.#escape();
      case "*":
      case "+":
      case "?":
        throw this.#refuse(`the quantifier ${char} follows nothing`);
      default:
        return literal(char);
    }
  }

  #group(): Pattern {
    if (this.#take("?") && !this.#take(":")) {
      throw this.#refuse("looking ahead or behind, named groups and flags in groups are not taken");
    }
    const pattern = this.#either();
    if (!this.#take(")")) throw this.#refuse("a group is not closed");
    return pattern;
  }

  #escape(): Pattern {
    const char = this.#next();
    if (char === "b") return { kind: "assert", what: "edge" };
    if (char === "B") return { kind: "assert", what: "noEdge" };
    const shorthand = SHORTHANDS[char];
    if (shorthand !== undefined) return { kind: "set", set: shorthand };
    return literal(this.#escaped(char));
  }

  /** The character that `\char…` stands for. */
  #escaped(char: string): string {
    const control = CONTROLS[char];
    if (control !== undefined) return control;
    if (char >= "1" && char <= "9") throw this.#refuse(`\\${char} is a back reference`);
    if (char === "x") return this.#hex(2);
    if (char === "u") return this.#hex(4);
    if (/[A-Za-z]/.test(char)) throw this.#refuse(`\\${char} is not taken`);
    return char;
  }

  #hex(digits: number): string {
    const hex = this.#chars.slice(this.#at, this.#at + digits).join("");
    if (hex.length !== digits || !/^[0-9a-fA-F]+$/.test(hex)) {
      throw this.#refuse(`${digits} hexadecimal digits are expected at character ${this.#at}`);
    }
    this.#at += digits;
    return String.fromCharCode(Number.parseInt(hex, 16));
  }

  #class(): ByteSet {
    const negated = this.#take("^");
    const set = new Uint8Array(256);
    while (!this.#take("]")) {
      const low = this.#classMember();
      if (typeof low !== "string") {
        for (let i = 0; i < 256; i++) set[i] = set[i]! | low[i]!;
        continue;
      }
      const high = this.#rangeEnd(low);
      for (let code = low.charCodeAt(0); code <= high.charCodeAt(0); code++) set[code] = 1;
    }
    return negated ? inverted(set) : set;
  }

  #rangeEnd(low: string): string {
    if (this.#peek() !== "-" || this.#chars[this.#at + 1] === "]") return low;
    this.#at++;
    const high = this.#classMember();
    if (typeof high !== "string" || high < low) throw this.#refuse("a range in a class is not low to high");
    return high;
  }

  #classMember(): string | ByteSet {
    let char = this.#next();
    if (char === "\\") {
      const escaped = this.#next();
      const shorthand = SHORTHANDS[escaped];
      if (shorthand !== undefined) return shorthand;
      char = escaped === "b" ? "\b" : this.#escaped(escaped);
    }
    if (char.charCodeAt(0) > 0x7f) throw this.#refuse(`${char} in a class is not ASCII`);
    return char;
  }

  #peek(): string | undefined {
    return this.#chars[this.#at];
  }

  #take(char: string): boolean {
    if (this.#peek() !== char) return false;
    this.#at++;
    return true;
  }

  #next(): string {
    const char = this.#peek();
    if (char === undefined) throw this.#refuse("it ends too early");
    this.#at++;
    return char;
  }

  #refuse(why: string): GasolineError {
    return refused(this.#source, why);
  }
}

/** A character as the bytes of its UTF-8. */
function literal(char: string): Pattern {
  const items = [...Buffer.from(char)].map((byte): Pattern => {
    const set = new Uint8Array(256);
    set[byte] = 1;
    return { kind: "set", set };
  });
  return items.length === 1 ? items[0]! : { kind: "sequence", items };
}

function inverted(set: ByteSet): ByteSet {
  return set.map((member) => 1 - member);
}

function membersOf(set: ByteSet): string {
  return [...set.keys()]
    .filter((code) => set[code] === 1)
    .map((code) => String.fromCharCode(code))
    .join("");
}
