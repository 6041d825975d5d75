import { flagOf, type Setting, SETTING_LIST, type SettingName } from './settings.ts';

type SettingSource = 'flag' | 'variable' | 'file' | 'default';

/** A setting of this process, as text, for people. */
export interface SettingInForce {
  /** the variable */
  name: string;
  flag: string;
  description: string;
  /** undefined: it is a secret that is set, or an optional one that is not */
  value: string | undefined;
  isSecret: boolean;
  source: SettingSource;
  /** in words where it depends on the machine */
  fallback: string;
  /** the commands that read it */
  commands: readonly string[];
}

/** Of a URL. */
const CREDENTIALS = /\/\/[^\s/@]*@/g;

interface Given {
  /** with the content of `…_FILE` variables (`secret-files.ts`) */
  env: Record<string, string | undefined>;
  flags: Partial<Record<SettingName, string>>;
}

/** Every setting with its value, and where that is from. Secrets are not in it. */
export function settingsInForce({ env, flags }: Given): SettingInForce[] {
  return SETTING_LIST.map((setting) => {
    const { name, env: variable, secret: isSecret = false, description, defaultNote, commands } = setting;
    const text = flags[name] ?? (env[variable] || setting.default);
    return {
      name: variable,
      flag: `--${flagOf(setting)}`,
      description,
      value: isSecret ? undefined : text?.trim().replace(CREDENTIALS, '//…@'),
      isSecret,
      source: sourceOf(setting, flags[name], env),
      fallback: defaultNote ?? setting.default ?? '',
      commands,
    };
  });
}

function sourceOf(setting: Setting, flag: string | undefined, env: Given['env']): SettingSource {
  if (flag !== undefined) return 'flag';
  if (!env[setting.env]) return 'default';
  return setting.secret && env[`${setting.env}_FILE`] ? 'file' : 'variable';
}
