/** The markdown is refused: it is nested too deep, or a little of it would become a great deal of HTML. */
export class MarkdownError extends Error {
  override name = 'MarkdownError';
}
