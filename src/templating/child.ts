import { endWithParent, giveUpRoot } from '../kernel/confined-process.ts';
import { type FieldProblem, messageOf } from '../kernel/errors.ts';
import type { Identity } from '../kernel/privileges.ts';
import { checkRows } from './liquid/check-data.ts';
import { composeTemplate } from './liquid/compose-template.ts';
import { TemplateFailure, toFailure } from './liquid/template-failure.ts';
import { MarkdownError } from './markdown/markdown-error.ts';
import { renderMarkdown } from './markdown/render-markdown.ts';
import type { RowProblems, RowsInput } from './compose-input.ts';
import type { ComposeLimits, SentInput } from './sent-input.ts';

// The process in which templates and markdown become HTML; composer-process.ts starts it. Anyone may have written them,
// so it has no environment, reads no files but the program's, and gives up root before it gets the first. It ends by
// SIGKILL.

/** What it is asked to do, over Node's own channel. `start` comes first. */
export type Order =
  | { do: 'start'; identity: Identity | undefined }
  | { do: 'compose'; input: SentInput; limits: ComposeLimits }
  | { do: 'check'; input: RowsInput };

/** Each order gets one answer. `needs`: the process has forgotten the texts of this key, or never had them. */
export type Answer =
  | { html: string }
  | { isStarted: true }
  | { needs: 'texts' }
  | { problems: RowProblems }
  | { failed: { code: TemplateFailure['code'] | undefined; message: string; fields?: FieldProblem[] | undefined } };

/** A pipe that breaks when the parent ends. */
const LIFELINE_FD = 4;

const isGuarded = endWithParent(LIFELINE_FD);

async function answerTo(order: Order): Promise<Answer> {
  if (order.do === 'start') {
    await isGuarded;
    giveUpRoot(order.identity);
    return { isStarted: true };
  }
  try {
    if (order.do === 'check') return { problems: checked(order.input) };
    const { input, limits } = order;
    const html = input.kind === 'template' ? composeTemplate(input, limits) : fromMarkdown(input);
    return html === undefined ? { needs: 'texts' } : { html };
  } catch (error) {
    if (error instanceof TemplateFailure)
      return { failed: { code: error.code, message: error.message, fields: error.fields } };
    return { failed: { code: undefined, message: messageOf(error) } };
  }
}

function checked({ name, schema, rows }: RowsInput): RowProblems {
  try {
    return checkRows(schema, rows);
  } catch (error) {
    throw toFailure(error, name);
  }
}

function fromMarkdown({ text, ...settings }: Extract<SentInput, { kind: 'markdown' }>): string {
  try {
    return renderMarkdown(text, settings);
  } catch (error) {
    // a RangeError: nested deeper than the stack, or longer than a string
    throw error instanceof MarkdownError || error instanceof RangeError ? toFailure(error, 'markdown') : error;
  }
}

process.on('message', (order: Order) => void answerTo(order).then((answer) => process.send?.(answer)));
