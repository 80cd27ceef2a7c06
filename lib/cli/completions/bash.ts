/**
 * The completion script for bash, 3.2 (macOS's) or newer.
 *
 * @module
 */
import { type Command, type CommandName, COMMANDS, FIRST_WORDS, flagsOf } from "../commands.ts";

/** The script. */
export function bashScript(): string {
  const commands = ["", ...FIRST_WORDS] as const;
  return `# Completions of o1-api for bash.
_o1_api() {
  local i=$COMP_CWORD cur=\${COMP_WORDS[COMP_CWORD]} flag cmd="" before="" words="" id
  # Bash breaks words at = and : too.
  while [[ $i -gt 2 && ( \${COMP_WORDS[i]} == : || \${COMP_WORDS[i - 1]} == : ) ]]; do
    i=$((i - 1)) cur=\${COMP_WORDS[i]}$cur
  done
  flag=\${COMP_WORDS[i - 1]}
  [[ $cur == = ]] && cur=""
  [[ $flag == = ]] && flag=\${COMP_WORDS[i - 2]}
  [[ $COMP_CWORD -gt 1 ]] && case \${COMP_WORDS[1]} in
    ${FIRST_WORDS.join(" | ")}) cmd=\${COMP_WORDS[1]} ;;
  esac
  COMPREPLY=()
  case "$cmd $flag" in
${commands.flatMap(valuesOf).join("\n")}
    *)
      case $cmd in
${commands.map(wordsOf).join("\n")}
      esac ;;
  esac
  case $words in
    "<files>")
      local IFS=$'\\n'
      compopt -o filenames 2>/dev/null
      COMPREPLY=($(compgen -f -- "$cur")) ;;
    "<models>")
      # Several have commas between them.
      [[ $flag == --models ]] && before=\${cur%"\${cur##*,}"}
      while IFS= read -r id; do
        [[ $before$id == "$cur"* ]] && COMPREPLY+=("$before$id")
      done < <("\${COMP_WORDS[0]/#\\~/$HOME}" completions models -- "\${COMP_WORDS[@]}" 2>/dev/null) ;;
    *) COMPREPLY=($(compgen -W "$words" -- "$cur")) ;;
  esac
  # What stands before a : is there already.
  if [[ $COMP_WORDBREAKS == *:* && $cur == *:* ]]; then
    before=\${cur%"\${cur##*:}"}
    for i in "\${!COMPREPLY[@]}"; do COMPREPLY[i]=\${COMPREPLY[i]#"$before"}; done
  fi
}
complete -F _o1_api o1-api`;
}

/** What may follow each flag of a command. */
function valuesOf(name: CommandName): string[] {
  return Object.entries(flagsOf(name)).flatMap(([flag, { value, short, kind, values = [] }]) => {
    if (value === undefined) return [];
    const written = [`--${flag}`, ...short === undefined ? [] : [`-${short}`]];
    const words = kind === "file" ? "<files>" : kind ? "<models>" : values.join(" ");
    return `    ${written.map((each) => `"${name} ${each}"`).join(" | ")}) words="${words}" ;;`;
  });
}

/** What else may follow a command. */
function wordsOf(name: CommandName): string {
  const { words = [] }: Command = COMMANDS[name];
  const flags = Object.entries(flagsOf(name)).flatMap(([flag, { short }]) =>
    short === undefined ? [`--${flag}`] : [`--${flag}`, `-${short}`]
  );
  const first = name === "" ? FIRST_WORDS : words;
  const line = `        ${name || '""'}) words="${flags.join(" ")}"`;
  if (first.length === 0) return `${line} ;;`;
  const at = name === "" ? 1 : 2;
  return `${line}
          [[ $COMP_CWORD -eq ${at} && $cur != -* ]] && words="${first.join(" ")}" ;;`;
}
