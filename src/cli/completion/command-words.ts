import type { Argument, Command, Option } from 'commander';
import { flagOf, SETTING_LIST } from '../../config/settings.ts';
import { JOB_STATUSES } from '../../domain/job.ts';
import { SCOPES } from '../../domain/scope.ts';
import { FIRST_TIERS } from '../../domain/tier.ts';
import { JOB_ERROR_CODES } from '../../kernel/errors.ts';

/** What a flag or an argument takes: some of these words, the name of a file, or anything. */
export interface Taken {
  values: readonly string[];
  /** whether several of the values may be given, with commas between */
  isList: boolean;
  isFile: boolean;
}

export interface FlagWords {
  /** `--user`, and `-o` if it has a short name */
  names: readonly string[];
  description: string;
  /** undefined: it takes no value */
  takes: Taken | undefined;
}

/** What can be typed after a command. */
export interface CommandWords {
  /** the names up to it, without the program's: `keys`, `create` */
  path: readonly string[];
  description: string;
  /** names and descriptions of its own commands */
  commands: readonly { name: string; description: string }[];
  flags: readonly FlagWords[];
  /** of its first argument, which stands for all */
  argument: Taken | undefined;
}

/** Values of flags that are checked by the part that they are for. Custom tiers are in a database, which a completion does not ask. */
const VALUES: Readonly<Record<string, Partial<Taken>>> = {
  '--scopes': { values: SCOPES, isList: true },
  '--tier': { values: FIRST_TIERS },
  '--status': { values: JOB_STATUSES },
  '--error': { values: JOB_ERROR_CODES },
  '--retried': { values: ['true', 'false'] },
};
const FILE = /file|dir|path|input|rows|output|template/i;

/** Every command of a program, the program itself first. Its help flag and help command are left out. */
export function commandWords(command: Command, path: readonly string[] = []): CommandWords[] {
  const children = command.commands.map((child) => ({ child, name: child.name() }));
  const own: CommandWords = {
    path,
    description: firstSentence(command.description()),
    commands: children.map(({ child, name }) => ({ name, description: firstSentence(child.description()) })),
    flags: command.options.filter(({ hidden }) => !hidden).map(flagWords),
    argument: command.registeredArguments[0] && argumentWords(command.registeredArguments[0]),
  };
  return [own, ...children.flatMap(({ child, name }) => commandWords(child, [...path, name]))];
}

function flagWords({ long, short, flags, description, argChoices, required, optional }: Option): FlagWords {
  const name = long ?? '';
  const setting = SETTING_LIST.find((each) => `--${flagOf(each)}` === name);
  const known = VALUES[name];
  const { values = argChoices ?? setting?.kind.values ?? [], isList = false } = known ?? {};
  const isFile = values.length === 0 && (FILE.test(/<([^<>]+)>/.exec(flags)?.[1] ?? '') || /-(?:dir|file)$/.test(name));
  return {
    names: [long, short].filter((each) => each !== undefined),
    description: firstSentence(description),
    takes: required || optional ? { values, isList, isFile } : undefined,
  };
}

function argumentWords(argument: Argument): Taken {
  const values = argument.argChoices ?? [];
  return { values, isList: false, isFile: values.length === 0 && FILE.test(argument.name()) };
}

/** What a shell shows beside a word: up to the first bracket or the end of a sentence. */
function firstSentence(text: string): string {
  return text.split(/ \(|[.;:] /, 1)[0] ?? '';
}
