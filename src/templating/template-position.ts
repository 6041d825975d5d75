/** A place in a template's file; both count from 1. */
export interface TemplatePosition {
  file: string;
  line: number;
  column: number;
}

/** `invoice@7, partials/rows.html, line 12, column 5: …`. */
const PLACE = /^[^,:]{1,200}, ([^:]{1,600}), line (\d{1,9}), column (\d{1,9}): /;

/** Where the mistake is that the text of a `template_failed` names; undefined if it names no line. */
export function templatePosition(text: string): TemplatePosition | undefined {
  const [, file, line, column] = PLACE.exec(text) ?? [];
  return file === undefined ? undefined : { file, line: Number(line), column: Number(column) };
}
