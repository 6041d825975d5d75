import { readFile } from 'node:fs/promises';

interface SqlExamples {
  /** what a superuser types to make the role */
  role: string;
  /** of psql, as it is typed */
  psql: string;
  /** by language: the statement, with `$1` for the email, `$2` for the request and `$3` for the key */
  statements: Record<string, string>;
}

/** The SQL of docs/sql.md. */
export async function sqlExamples(): Promise<SqlExamples> {
  const text = await readFile(new URL('../../docs/sql.md', import.meta.url), 'utf8');
  const blocks = [...text.matchAll(/^```(\w+)\n([\s\S]*?)^```$/gm)].map(([, language = '', code = '']) => ({
    language,
    code,
  }));
  const [psql = '', role = ''] = blocks.filter(({ language }) => language === 'sql').map(({ code }) => code);
  const others = blocks.filter(({ language }) => language !== 'sql');
  return {
    psql,
    role,
    statements: Object.fromEntries(others.map(({ language, code }) => [language, statementOf(code)])),
  };
}

/** The string of a program that calls us, with its parameters as Postgres has them. */
function statementOf(code: string): string {
  const [, , statement = ''] = /(["'`])(select pdfprompt\.\w+\(.*?\).*?)\1/.exec(code) ?? [];
  let count = 0;
  return statement.replaceAll(/\$\{[^}]*\}|%s|\?|\$\d/g, () => `$${++count}`);
}
