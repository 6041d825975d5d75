import { endWithParent, giveUpRoot } from '../kernel/confined-process.ts';
import { messageOf } from '../kernel/errors.ts';
import { composeTemplate } from './liquid/compose-template.ts';
import { TemplateFailure } from './liquid/template-failure.ts';
import { MarkdownError } from './markdown/markdown-error.ts';
import { renderMarkdown } from './markdown/render-markdown.ts';
import type { Answer, Order } from './messages.ts';

// The process in which templates and markdown become HTML; composer-process.ts starts it. Anyone may have written them,
// so it has no environment, reads no files but the program's, and gives up root before it gets the first. It ends by
// SIGKILL.

/** A pipe that breaks when the parent ends. */
const LIFELINE_FD = 4;

const isGuarded = endWithParent(LIFELINE_FD);

async function answerTo(order: Order): Promise<Answer> {
  if (order.do === 'start') {
    await isGuarded;
    giveUpRoot(order.identity);
    return { isStarted: true };
  }
  const { input, limits } = order;
  try {
    const html = input.kind === 'template' ? composeTemplate(input, limits) : renderMarkdown(input.text, { ...input });
    return html === undefined ? { needs: 'texts' } : { html };
  } catch (error) {
    if (error instanceof TemplateFailure) return { failed: { code: error.code, message: error.message } };
    if (error instanceof MarkdownError) return { failed: { code: 'template_failed', message: `markdown: ${error.message}` } }; // prettier-ignore
    // nested deeper than the stack, or longer than a string
    if (error instanceof RangeError) return { failed: { code: 'template_failed', message: 'markdown: is nested too deeply, or too large' } }; // prettier-ignore
    return { failed: { code: undefined, message: messageOf(error) } };
  }
}

process.on('message', (order: Order) => void answerTo(order).then((answer) => process.send?.(answer)));
