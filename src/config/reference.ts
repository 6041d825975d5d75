import { flagOf, SETTING_LIST, type SettingName } from './settings.ts';

/** The settings of the README; docs/settings.md has all. */
const MAIN = new Set<SettingName>([
  'databaseUrl',
  'dataDir',
  'host',
  'port',
  'opsPort',
  'workerConcurrency',
  'egressRules',
  'pdfStore',
  'pdfRetentionMs',
  'logLevel',
]);

/** The main settings, or all of them, as a Markdown table. */
export function settingsMarkdown(which: 'main' | 'all'): string {
  const rows = SETTING_LIST.filter(({ name }) => which === 'all' || MAIN.has(name)).map((setting) => {
    const fallback = setting.defaultNote ?? `\`${setting.default}\``;
    return `| \`${setting.env}\`<br>\`--${flagOf(setting)}\` | ${setting.description} | ${setting.kind.allowed} | ${fallback} |`;
  });
  return ['| variable and flag | what it is | allowed | default |', '| --- | --- | --- | --- |', ...rows].join('\n');
}

/** The text of `.env.example`: every setting, commented out. */
export function envExample(): string {
  const blocks = SETTING_LIST.map((setting) => {
    const note = setting.defaultNote === undefined ? '' : ` Default: ${setting.defaultNote.replaceAll('`', '')}.`;
    return `# ${setting.description}.${note}\n# Allowed: ${setting.kind.allowed}\n# ${setting.env}=${setting.default ?? ''}`;
  });
  return `# Every setting of pdfprompt, with its default. Each is a flag too: DATABASE_URL is --database-url.\n# pdfprompt does not read this file itself: set -a; . ./.env; set +a\n# A secret may be in a file of its own: DATABASE_URL_FILE=/run/secrets/database_url, and so on.\n# Generated from src/config/settings.ts by \`npm run docs\`.\n\n${blocks.join('\n\n')}\n`;
}
