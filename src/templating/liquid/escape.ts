const HTML: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };

/** For text and attribute values of HTML. */
export const escapeHtml = (text: string): string => text.replaceAll(/[&<>"']/g, (each) => HTML[each] ?? each);

/**
 * For text in markdown, and HTML in it: every character that could mean something there becomes a reference, which
 * never does. A line break stays within its paragraph.
 */
export const escapeMarkdown = (text: string): string =>
  text.replaceAll(/[!-/:-@[-`{-~\t\r\n]|^ | $/g, (each) => `&#${each.charCodeAt(0)};`);
