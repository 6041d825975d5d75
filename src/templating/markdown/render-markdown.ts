/** Replaced by the renderer of GitHub's dialect. */
export function renderMarkdown(
  text: string,
  { allowHtml, styleSheet = '', locale }: { allowHtml: boolean; styleSheet?: string | undefined; locale: string },
): string {
  const body = allowHtml ? text : text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
  return `<!doctype html><html lang="${locale}"><style>${styleSheet}</style><body><p>${body}</p></body></html>`;
}
