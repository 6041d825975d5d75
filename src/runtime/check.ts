export interface Check {
  name: string;
  /** `fail`: pdfprompt cannot work; `warn`: it can, but somebody should know */
  status: 'ok' | 'warn' | 'fail';
  message: string;
  /** what to type, if something is to be done */
  fix?: string;
}
