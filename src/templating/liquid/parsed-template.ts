import { type FS, Liquid, type Template } from 'liquidjs';
import { TEMPLATE_ENTRIES } from '../../domain/template-name.ts';
import { type Check, dataCheck } from './check-data.ts';
import { type ComposeContext, keepLimits, toText } from './compose-context.ts';
import { registerFilters } from './filters.ts';
import { Strings } from './strings.ts';
import { Mistake } from './template-failure.ts';
import { TextFiles } from './text-files.ts';

/** Layouts and partials that are kept parsed, under each name by which they are called. */
const MAX_PARTS = 2_000;
const MAX_LENGTH = 20_000_000;

/** A template that is ready to be rendered, any number of times. Keeps nothing of what it renders. */
export class ParsedTemplate {
  readonly liquid: Liquid;
  readonly strings: Strings;
  readonly check: Check | undefined;
  readonly isMarkdown: boolean;
  /** characters of its texts */
  readonly length: number;
  readonly #entry: Template[];

  /** @throws LiquidError, Mistake, RangeError */
  constructor(texts: Readonly<Record<string, string>>) {
    this.length = Object.values(texts).reduce((sum, text) => sum + text.length, 0);
    if (this.length > MAX_LENGTH) throw new Mistake(`has more than ${MAX_LENGTH} characters`);
    const entry = TEMPLATE_ENTRIES.find((name) => Object.hasOwn(texts, name));
    if (entry === undefined) throw new Mistake(`has no entry; it needs one of ${TEMPLATE_ENTRIES.join(', ')}`);
    this.isMarkdown = entry.endsWith('.md');
    this.strings = new Strings(texts);
    this.check = Object.hasOwn(texts, 'schema.json') ? dataCheck(texts['schema.json'] ?? '') : undefined;
    this.liquid = createLiquid(texts);
    this.#entry = this.liquid.parse(texts[entry] ?? '', entry);
  }

  /** @throws LiquidError, Mistake, RangeError */
  render(context: ComposeContext): string {
    return this.liquid.renderSync(this.#entry, context) as string;
  }
}

function createLiquid(texts: Readonly<Record<string, string>>): Liquid {
  const liquid = new Liquid({
    fs: new TextFiles(texts) as unknown as FS, // with only what is synchronous
    root: [''],
    relativeReference: true,
    cache: partsCache(),
    strictFilters: true,
    strictVariables: true,
    lenientIf: false, // by this option, assign would take what is not there for nothing
    ownPropertyOnly: true,
    outputEscape: escapeOutput,
  });
  keepLimits(liquid);
  registerFilters(liquid);
  return liquid;
}

/** As a filter that comes last. */
function escapeOutput(this: { context: ComposeContext }, value: unknown): string {
  return this.context.surroundings.escape(toText(value));
}

/** Parts are parsed once, when they are first called. */
function partsCache() {
  const parts = new Map<string, unknown>();
  return {
    read: (key: string) => parts.get(key) as Template[] | undefined,
    write: (key: string, part: unknown) => void (parts.size < MAX_PARTS && parts.set(key, part)),
    remove: (key: string) => void parts.delete(key),
  };
}
