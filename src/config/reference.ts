import { flagOf, SETTING_LIST, type Setting, type SettingName } from './settings.ts';

/** The settings of the README; docs/settings.md has all. */
const MAIN_SETTINGS = new Set<SettingName>([
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

/** The table of the most important settings, as Markdown. */
export function mainSettingsMarkdown(): string {
  const rows = SETTING_LIST.filter(({ name }) => MAIN_SETTINGS.has(name)).map(
    (setting) => `| ${namesOf(setting)} | ${setting.description} | ${defaultOf(setting)} |`,
  );
  return ['| variable and flag | what it is | default |', '| --- | --- | --- |', ...rows].join('\n');
}

/** The table of all settings, as Markdown. */
export function settingsMarkdown(): string {
  const rows = SETTING_LIST.map(
    (setting) => `| ${namesOf(setting)} | ${setting.description} | ${setting.kind.allowed} | ${defaultOf(setting)} |`,
  );
  return ['| variable and flag | what it is | allowed | default |', '| --- | --- | --- | --- |', ...rows].join('\n');
}

const namesOf = (setting: Setting) => `\`${setting.env}\`<br>\`--${flagOf(setting)}\``;
const defaultOf = (setting: Setting) => setting.defaultNote ?? `\`${setting.default}\``;

const ENV_HEADER = `# Every setting of pdfprompt, with its default. Each is a flag too: DATABASE_URL is --database-url.
# pdfprompt does not read this file itself: set -a; . ./.env; set +a
# A secret may be in a file of its own: DATABASE_URL_FILE=/run/secrets/database_url, and so on.
# Generated from src/config/settings.ts by \`npm run docs\`.
`;

/** The text of `.env.example`: every setting, commented out. */
export function envExample(): string {
  const blocks = SETTING_LIST.map((setting) => {
    const note = setting.defaultNote === undefined ? '' : ` Default: ${setting.defaultNote.replaceAll('`', '')}.`;
    return `# ${setting.description}.${note}\n# Allowed: ${setting.kind.allowed}\n# ${setting.env}=${setting.default ?? ''}`;
  });
  return `${ENV_HEADER}\n${blocks.join('\n\n')}\n`;
}
