/** A file of a form: its name, its content, and the name of its field. */
export type FormFile = [name: string, content: string | Uint8Array<ArrayBuffer>, field?: string];

/** A form as Gotenberg's clients send it. */
export function gotenbergForm(files: readonly FormFile[], fields: Readonly<Record<string, string>> = {}): FormData {
  const form = new FormData();
  for (const [name, value] of Object.entries(fields)) form.append(name, value);
  for (const [name, content, field = 'files'] of files) form.append(field, new Blob([content]), name);
  return form;
}
