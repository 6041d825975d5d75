import type { Part } from '../domain/pdf-request.ts';
import type { Content } from '../sources/source-type.ts';
import { loadsFromOutside } from './loads-from-outside.ts';
import { mayStay } from './own-origin.ts';
import { hasRules } from './request-rules.ts';
import { isStatic } from './static-document.ts';

/**
 * Whether a static document may be printed on a page that tenants share: nothing of its request can run a script or
 * changes the page beyond its own life, and it seems to load nothing but its own files.
 */
export function isShareable(request: Omit<Part, 'source'> & { content: Content }): boolean {
  const { content, options, addStyleTag = [], cookies, viewport, userAgent } = request;
  if (!('html' in content) || content.html === undefined) return false;
  if (cookies || viewport || userAgent !== undefined || hasRules(request)) return false;
  if (addStyleTag.some(({ content: css }) => css === undefined || loadsFromOutside(css))) return false;
  if ([options.headerTemplate, options.footerTemplate].some((html) => html !== undefined && !isStatic(html)))
    return false;
  if (content.files && !mayStay(content, request)) return false;
  return !loadsFromOutside(content.html);
}

/** A document on a page that tenants share asked for something that is not there. On a page of its own it may get it. */
export class LoadsFromOutside extends Error {
  override name = 'LoadsFromOutside';
}
