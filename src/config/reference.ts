import { flagOf, SETTING_LIST } from './settings.ts';

/** The settings as the README shows them. */
export function settingsMarkdown(): string {
  const rows = SETTING_LIST.map((setting) => {
    const fallback = setting.defaultNote ?? `\`${setting.default}\``;
    return `| \`${setting.env}\`<br>\`--${flagOf(setting)}\` | ${setting.description} | ${setting.kind.allowed} | ${fallback} |`;
  });
  return ['| variable and flag | what it is | allowed | default |', '| --- | --- | --- | --- |', ...rows].join('\n');
}

/** The settings as `.env.example` has them: every setting, commented out. */
export function envExample(): string {
  const blocks = SETTING_LIST.map((setting) => {
    const note = setting.defaultNote === undefined ? '' : ` Default: ${setting.defaultNote.replaceAll('`', '')}.`;
    return `# ${setting.description}.${note}\n# Allowed: ${setting.kind.allowed}\n# ${setting.env}=${setting.default ?? ''}`;
  });
  return `# Every setting of pdfprompt, with its default. Each is a flag too: DATABASE_URL is --database-url.\n# pdfprompt reads the environment, no file: set -a; . ./.env; set +a\n# What is secret may be in a file of its own: DATABASE_URL_FILE=/run/secrets/database_url, and so on.\n# Generated from src/config/settings.ts by \`npm run docs\`.\n\n${blocks.join('\n\n')}\n`;
}
