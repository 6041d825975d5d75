/** `postgres://user:secret@host` and bearer keys, as errors of libraries like to quote them. */
export function withoutSecrets(text: string): string {
  return text
    .replaceAll(/(\w+:\/\/[^\s:/@"]*):[^\s@"]*@/g, '$1:[redacted]@')
    .replaceAll(/\bpdf_[0-9A-Za-z]{20,}/g, 'pdf_[redacted]');
}
