export interface Check {
  name: string;
  /** `fail`: pdfprompt cannot work; `warn`: it can, but somebody should know */
  status: 'ok' | 'warn' | 'fail';
  message: string;
  /** what to type, if something is to be done */
  fix?: string;
}

type Result = (name: string, message: string, fix?: string) => Check;
const result =
  (status: Check['status']): Result =>
  (name, message, fix) => ({ name, status, message, ...(fix !== undefined && { fix }) });

export const ok = result('ok');
export const warn = result('warn');
export const fail = result('fail');
