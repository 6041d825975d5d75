import type { PrintSettings } from '../domain/pdf-request.ts';
import type { Patience } from './patience.ts';
import type { WarmPage } from './warm-page.ts';

type Tags<Name extends 'addStyleTag' | 'addScriptTag'> = NonNullable<PrintSettings[Name]>;

/** Scripts of ours run in a world of their own, where events come even if the document's scripts do not run. */
const WORLD = 'pdfprompt';

/**
 * Adds the request's style sheets and scripts to the document, each with its content or from a URL. What does not load
 * is noted like every other resource.
 * @throws DeadlineExceeded
 */
export async function addTags(
  warm: WarmPage,
  { addStyleTag = [], addScriptTag = [] }: PrintSettings,
  { deadline }: Patience,
): Promise<void> {
  if (addStyleTag.length > 0) await deadline.race('addStyleTag', addStyles(warm, addStyleTag));
  if (addScriptTag.length > 0) await deadline.race('addScriptTag', addScripts(warm, addScriptTag));
}

async function addStyles({ tab: { session, frameId } }: WarmPage, tags: Tags<'addStyleTag'>): Promise<void> {
  const { executionContextId } = await session.send('Page.createIsolatedWorld', { frameId, worldName: WORLD });
  const expression = `Promise.all(${JSON.stringify(tags)}.map(({ content, url }) => {
    const element = document.createElementNS('http://www.w3.org/1999/xhtml', content === undefined ? 'link' : 'style');
    if (content === undefined) { element.rel = 'stylesheet'; element.href = url; }
    else element.textContent = content;
    const loaded = new Promise((done) => element.onload = element.onerror = done);
    (document.head ?? document.documentElement).append(element);
    const isLoading = content !== undefined || URL.canParse(url, document.baseURI);
    return isLoading && !element.sheet ? loaded : 0;
  })).then(() => 0)`;
  await session.send('Runtime.evaluate', { expression, contextId: executionContextId, awaitPromise: true });
}

/** One after the other. Only for a script from a URL there is an event at its end. */
async function addScripts({ tab: { session } }: WarmPage, tags: Tags<'addScriptTag'>): Promise<void> {
  const expression = `(async (tags) => {
    for (const { content, url, type = '', id } of tags) {
      const element = document.createElementNS('http://www.w3.org/1999/xhtml', 'script');
      if (type !== '') element.type = type;
      if (id !== undefined) element.id = id;
      if (content === undefined) element.src = url;
      else element.textContent = content;
      const loaded = new Promise((done) => element.onload = element.onerror = done);
      (document.head ?? document.documentElement).append(element);
      if (content === undefined && /^(?:|module|.*(?:java|ecma|j|live)script.*)$/i.test(type)) await loaded;
    }
  })(${JSON.stringify(tags)})`;
  await session.send('Runtime.evaluate', { expression, awaitPromise: true });
}
