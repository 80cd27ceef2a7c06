/**
 * The completion script for zsh.
 *
 * @module
 */
import {
  type Command,
  type CommandName,
  COMMANDS,
  FIRST_WORDS,
  type Flag,
  flagsOf,
} from "../commands.ts";

/** The script. */
export function zshScript(): string {
  return `#compdef o1-api
# Completions of o1-api for zsh.
_o1_api_models() {
  local -a ids
  ids=(\${(f)"$(\${_o1_api_line[1]/#\\~/$HOME} completions models -- \${(Q)_o1_api_line} 2>/dev/null)"})
  compadd "$@" -a ids
}
_o1_api() {
  local -a _o1_api_line=("\${words[@]}") commands
  local curcontext=$curcontext state line
  commands=(
${FIRST_WORDS.map((name) => `    ${quoted(`${name}:${COMMANDS[name].summary}`)}`).join("\n")}
  )
  _arguments -C \\
${specsOf("")} \\
    '(-): :->command' '(-)*:: :->argument' && return
  case $state in
    command) _describe command commands ;;
    argument)
      case $line[1] in
${FIRST_WORDS.map((name) => `        ${name}) _arguments \\\n${specsOf(name)} ;;`).join("\n")}
      esac ;;
  esac
}
if [[ $funcstack[1] == _o1_api ]]; then _o1_api "$@"; else compdef _o1_api o1-api; fi`;
}

function specsOf(name: CommandName): string {
  const { words = [] }: Command = COMMANDS[name];
  const flags = Object.entries(flagsOf(name)).flatMap(([flag, spec]) => specOf(flag, spec));
  const first = words.length === 0 ? [] : [quoted(`1:word:(${words.join(" ")})`)];
  return [...flags, ...first].map((spec) => `    ${spec}`).join(" \\\n");
}

function specOf(name: string, { short, value, values, kind, about }: Flag): string[] {
  const text = about.replace(/[\[\]\\:]/g, "\\$&");
  const action = kind === "file"
    ? "_files"
    : kind === "model"
    ? "_o1_api_models"
    : kind === "models"
    ? "_sequence _o1_api_models"
    : `(${values?.join(" ") ?? ""})`;
  const rest = `[${text}]${
    value === undefined ? "" : `:${value}:${values || kind ? action : " "}`
  }`;
  return [
    quoted(`--${name}${value === undefined ? "" : "="}${rest}`),
    ...short === undefined ? [] : [quoted(`-${short}${rest}`)],
  ];
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
