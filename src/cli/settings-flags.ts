import { type Command, Option } from 'commander';
import { type Config, loadConfig } from '../config/load.ts';
import { readSecretFiles } from '../config/secret-files.ts';
import { flagOf, SETTING_LIST, type SettingName } from '../config/settings.ts';
import { isRoot } from '../kernel/privileges.ts';

/** Adds the flags of the command's settings. @param name `keys` for `keys create` */
export function addSettingFlags(command: Command, name: string): void {
  for (const setting of SETTING_LIST) {
    if (!setting.commands.some((each) => each === name)) continue;
    const fallback = setting.defaultNote?.replaceAll('`', '') ?? setting.default;
    const option = new Option(
      `--${flagOf(setting)} <value>`,
      `${setting.description} (${setting.kind.allowed}; ${setting.env}${fallback === undefined ? '' : `; default: ${fallback}`})`,
    );
    command.addOption(option.helpGroup('Settings, each also an environment variable:'));
  }
}

/** Flags over environment over defaults. @throws UsageError that lists every problem */
export function readConfig(options: Record<string, unknown>): Config {
  const flags: Partial<Record<SettingName, string>> = {};
  for (const setting of SETTING_LIST) {
    const value = options[flagOf(setting).replaceAll(/-(\w)/g, (_, letter: string) => letter.toUpperCase())];
    if (typeof value === 'string') flags[setting.name] = value;
  }
  return loadConfig({ env: readSecretFiles(process.env), flags, isRoot: isRoot() });
}
