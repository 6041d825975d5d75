import { Context, type Liquid, toValue } from 'liquidjs';
import type { ComposeLimits } from '../sent-input.ts';
import { Mistake, noteFile, suggestion, UnknownName } from './template-failure.ts';
import type { Strings } from './strings.ts';

/** Tags and partials within each other. */
const MAX_DEPTH = 150;

/** What one compose may still use. Nothing of it outlives that. */
class Allowance {
  depth = 0;
  readonly memory: Counter;
  readonly time: Counter;
  readonly outputLength: number;

  constructor({ memoryUnits, timeoutMs, outputLength }: ComposeLimits) {
    this.memory = new Counter(memoryUnits, 'needs more memory than it may');
    this.time = new Counter(performance.now() + timeoutMs, `took longer than ${timeoutMs / 1_000} seconds`);
    this.outputLength = outputLength;
  }
}

/** As LiquidJS's own, with our words. */
class Counter {
  #used = 0;
  readonly #limit: number;
  readonly #problem: string;

  constructor(limit: number, problem: string) {
    this.#limit = limit;
    this.#problem = problem;
  }

  /** @param count a number; LiquidJS's filters also pass others that come from data */
  use(count: unknown): void {
    const more = Number(count);
    if (!(more > 0)) return;
    this.#used += more;
    this.check(this.#used);
  }

  check(count: number): void {
    if (count > this.#limit) throw new Mistake(this.#problem);
  }
}

/** What filters see besides the data. */
export interface Surroundings {
  locale: string;
  timezone: string;
  strings: Strings;
  /** of what is put out */
  escape: (text: string) => string;
}

/** The scopes of one compose. */
export class ComposeContext extends Context {
  readonly surroundings: Surroundings;
  readonly allowance: Allowance;
  readonly #liquid: Liquid;

  constructor(liquid: Liquid, data: object, surroundings: Surroundings, allowance: Allowance) {
    const limits = { memoryLimit: allowance.memory, renderLimit: allowance.time };
    const { locale, timezone: timezoneOffset } = surroundings; // of LiquidJS's own filters
    const options = { ...liquid.options, lenientIf: true, locale, timezoneOffset };
    // its Limiter declares private members, and uses none of them from outside
    super(data, options, { sync: true }, { ...limits, liquid } as object);
    this.surroundings = surroundings;
    this.allowance = allowance;
    this.#liquid = liquid;
  }

  static begin(liquid: Liquid, data: object, surroundings: Surroundings, limits: ComposeLimits): ComposeContext {
    return new ComposeContext(liquid, data, surroundings, new Allowance(limits));
  }

  /** For a partial that sees only what it is given. */
  override spawn(scope: object = {}): ComposeContext {
    return new ComposeContext(this.#liquid, scope, this.surroundings, this.allowance);
  }

  override *_getFromScope(
    scope: unknown,
    path: Parameters<Context['_getFromScope']>[1],
    strict = this.strictVariables,
  ): IterableIterator<unknown> {
    const names = typeof path === 'string' ? path.split('.') : path;
    let at: unknown = scope;
    for (const [index, name] of names.entries()) {
      const inner: unknown = yield this.readProperty(at as object, name);
      if (inner === undefined && strict) throw this.#unknown(at, names.slice(0, index + 1).map(String));
      at = inner;
    }
    return at;
  }

  #unknown(within: unknown, path: string[]): UnknownName {
    const keys = typeof within === 'object' && within !== null && !Array.isArray(within) ? Object.keys(within) : [];
    const known = path.length === 1 ? [...keys, ...Object.keys(this.getAll())] : keys;
    return new UnknownName(`${path.join('.').slice(0, 200)} is not there${suggestion(path.at(-1) ?? '', known)}`);
  }
}

/** What is written of a value. @throws Mistake for what has no text of its own */
export function toText(value: unknown): string {
  const plain: unknown = toValue(value);
  if (typeof plain === 'string') return plain;
  if (plain === null || plain === undefined) return '';
  if (Array.isArray(plain)) return plain.map(toText).join('');
  if (typeof plain === 'object') throw new Mistake('an object has no text; name one of its fields, or use json');
  return `${plain as number | boolean}`;
}

/** Where output goes: the document, or what `capture` and blocks keep. */
class Emitter {
  buffer = '';
  readonly #write: (length: number) => void;

  /** @param write called with the length of each piece, before it is kept */
  constructor(write: (length: number) => void) {
    this.#write = write;
  }

  write(value: unknown): void {
    const text = toText(value);
    this.#write(text.length);
    this.buffer += text;
  }
}

/** Has the renderer of `liquid` keep the limits: how much is put out and kept, and how deep it goes. */
export function keepLimits({ renderer }: Liquid): void {
  const render = renderer.renderTemplates.bind(renderer);
  renderer.renderTemplates = function* (templates, context, emitter) {
    const { allowance } = context as ComposeContext;
    const isDocument = allowance.depth === 0;
    if (allowance.depth >= MAX_DEPTH)
      throw new Mistake(`is nested more than ${MAX_DEPTH} deep; a partial may contain itself`);
    allowance.depth++;
    let length = 0;
    const countOutput = (more: number) => {
      length += more;
      if (length > allowance.outputLength) throw new Mistake(`makes more than ${allowance.outputLength} characters`);
    };
    const own = () => new Emitter(isDocument ? countOutput : (more) => allowance.memory.use(more));
    try {
      return yield* render(templates, context, emitter ?? own());
    } catch (error) {
      noteFile(error, templates.find(({ token }) => token.file !== undefined)?.token.file);
      throw error;
    } finally {
      allowance.depth--;
    }
  };
}
