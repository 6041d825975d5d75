import type { CommandWords, FlagWords, Taken } from './command-words.ts';

/** For zsh, to be sourced, or kept as `_pdfprompt` in a directory of `$fpath`. */
export function zshScript(commands: readonly CommandWords[]): string {
  return `#compdef pdfprompt
# Completion of pdfprompt for zsh: source <(pdfprompt completion zsh)
_pdfprompt() {
  local cur=$words[CURRENT] prev=$words[CURRENT-1] at= word skip=
  local -a own flags
  integer i
  for ((i = 2; i < CURRENT; i++)); do
    word=$words[i]
    if [[ -n $skip ]]; then skip=; continue; fi
    case "$at/$word" in
${commands.flatMap(({ path, flags, commands: own }) => [...skipped(path, flags), ...entered(path, own)]).join('\n')}
    esac
  done
  if [[ $cur == --*=* ]]; then
    prev=\${cur%%=*}
    compset -P '*='
  fi
  case "$at/$prev" in
${commands.flatMap(({ path, flags }) => flags.flatMap(({ names, takes }) => (takes ? [`    ${patterns(path, names)}) ${valuesOf(takes)}; return ;;`] : []))).join('\n')}
  esac
  case $at in
${commands.map((each) => `    '${each.path.join(' ')}') own=(${described(each.commands)}) flags=(${described(each.flags.flatMap(({ names, description }) => names.map((name) => ({ name, description }))))} '--help:what there is') ;;`).join('\n')}
  esac
  if [[ $cur == -* ]]; then _describe -o flag flags; return; fi
  if (( $#own )); then _describe command own; return; fi
  case $at in
${commands.flatMap(({ path, argument }) => (argument ? [`    '${path.join(' ')}') ${valuesOf(argument)} ;;`] : [])).join('\n')}
  esac
}
if [[ $funcstack[1] == _pdfprompt ]]; then _pdfprompt "$@"; else compdef _pdfprompt pdfprompt; fi
`;
}

function skipped(path: readonly string[], flags: readonly FlagWords[]): string[] {
  const names = flags.filter(({ takes }) => takes).flatMap(({ names: own }) => own);
  return names.length === 0 ? [] : [`      ${patterns(path, names)}) skip=1 ;;`];
}

function entered(path: readonly string[], own: readonly { name: string }[]): string[] {
  if (own.length === 0) return [];
  return [`      ${patterns(path, own.map(({ name }) => name))}) at="\${at:+$at }$word" ;;`]; // prettier-ignore
}

const patterns = (path: readonly string[], names: readonly string[]) =>
  names.map((name) => `'${path.join(' ')}/${name}'`).join(' | ');

function valuesOf({ values, isList, isFile }: Taken): string {
  if (isFile) return '_files';
  if (values.length === 0) return ':';
  // Several: a comma may follow, so no space does.
  return `${isList ? "compset -P '*,'; compadd -S ''" : 'compadd'} -- ${values.join(' ')}`;
}

/** `name:description`, quoted. */
function described(all: readonly { name: string; description: string }[]): string {
  const quoted = (text: string) => `'${text.replaceAll("'", `'\\''`)}'`;
  return all.map(({ name, description }) => quoted(`${name}:${description}`)).join(' ');
}
