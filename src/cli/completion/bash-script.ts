import type { CommandWords, Taken } from './command-words.ts';

/**
 * For bash 3.2, as macOS has it, and newer. bash takes `:` and `=` for ends of words, and scopes have colons: the word is
 * read from the line itself, and of the answers the part before the last colon is left out.
 */
export function bashScript(commands: readonly CommandWords[]): string {
  return `# Completion of pdfprompt for bash: source <(pdfprompt completion bash)
_pdfprompt() {
  local line=\${COMP_LINE:0:COMP_POINT} cur prev at= word i skip=
  local -a words
  read -ra words <<<"$line"
  case $line in *[[:space:]]) words+=("") ;; esac
  local last=$((\${#words[@]} - 1))
  cur=\${words[last]} prev=\${words[last - 1]}
  for ((i = 1; i < last; i++)); do
    word=\${words[i]}
    if [ -n "$skip" ]; then skip=; continue; fi
    case "$at/$word" in
${casesOf(
  commands.filter(({ flags }) => flags.some(({ takes }) => takes)),
  ({ path, flags }) => [
    flags.filter(({ takes }) => takes).flatMap(({ names }) => names.map((name) => `${path.join(' ')}/${name}`)),
    'skip=1',
  ],
)}
${casesOf(commands, ({ path, commands: own }) => [own.map(({ name }) => `${path.join(' ')}/${name}`), `at="\${at:+$at }$word"`])}
    esac
  done
  case $cur in --*=*) prev=\${cur%%=*} cur=\${cur#*=} ;; esac
  local values= list= files= isValue=1
  case "$at/$prev" in
${commands.flatMap(({ path, flags }) => flags.flatMap(({ names, takes }) => (takes ? [`    ${patterns(names.map((name) => `${path.join(' ')}/${name}`))}) ${assignments(takes)} ;;`] : []))).join('\n')}
    *) isValue= ;;
  esac
  if [ -z "$isValue" ]; then
    case $at in
${commands.map((each) => `      ${patterns([each.path.join(' ')])}) ${wordsOf(each)} ;;`).join('\n')}
    esac
    case $cur in -*) files= values=$flags ;; esac
  fi
  local before=
  if [ -n "$list" ]; then case $cur in *,*) before=\${cur%,*}, ;; esac; fi
  if [ -n "$files" ]; then
    COMPREPLY=($(compgen -f -- "$cur"))
    compopt -o filenames 2>/dev/null
  else
    COMPREPLY=($(compgen -P "$before" -W "$values" -- "\${cur#"$before"}"))
  fi
  case $cur$COMP_WORDBREAKS in
    *:*:*) local head=\${cur%"\${cur##*:}"}; COMPREPLY=("\${COMPREPLY[@]#"$head"}") ;;
  esac
}
complete -F _pdfprompt pdfprompt
`;
}

function casesOf(
  commands: readonly CommandWords[],
  of: (command: CommandWords) => [names: string[], then: string],
): string {
  return commands
    .map(of)
    .filter(([names]) => names.length > 0)
    .map(([names, then]) => `      ${patterns(names)}) ${then} ;;`)
    .join('\n');
}

const patterns = (names: readonly string[]) => names.map((name) => `'${name}'`).join(' | ');

function assignments({ values, isList, isFile }: Taken): string {
  return [`values='${values.join(' ')}'`, ...(isList ? ['list=1'] : []), ...(isFile ? ['files=1'] : [])].join(' ');
}

function wordsOf({ commands, flags, argument }: CommandWords): string {
  const names = [...commands.map(({ name }) => name), ...(argument?.values ?? [])];
  const all = flags.flatMap(({ names: own }) => own).concat('--help');
  return `values='${names.join(' ')}' flags='${all.join(' ')}'${argument?.isFile ? ' files=1' : ''}`;
}
