/**
 * The completion script for fish.
 *
 * @module
 */
import { type Command, type CommandName, COMMANDS, FIRST_WORDS, flagsOf } from "../commands.ts";

const MODELS = "(__o1_api_models)";

/** The script. */
export function fishScript(): string {
  const lines = (["", ...FIRST_WORDS] as const).flatMap((name) => [...wordsOf(name), ...of(name)]);
  return `# Completions of o1-api for fish.
function __o1_api_models
    set -l words (commandline -opc) (commandline -ct)
    eval $words[1] completions models -- (string escape -- $words[2..-1]) 2>/dev/null
end
function __o1_api_model_list
    set -l before (string replace -r '[^,]*$' '' -- (commandline -ct))
    for id in (__o1_api_models)
        echo $before$id
    end
end
function __o1_api_in
    set -l words (commandline -opc)
    if contains -- "$words[2]" ${FIRST_WORDS.join(" ")}
        test "$words[2]" = "$argv[1]"
    else
        test -z "$argv[1]"
    end
end
complete -c o1-api -f
${lines.join("\n")}`;
}

function wordsOf(name: CommandName): string[] {
  const { words = [] }: Command = COMMANDS[name];
  const count = "test (count (commandline -opc)) -eq";
  if (name !== "") {
    const at = `-n '__o1_api_in ${name}; and ${count} 2'`;
    return words.map((word) => `complete -c o1-api ${at} -a ${word}`);
  }
  return FIRST_WORDS.map((word) =>
    `complete -c o1-api -n '${count} 1' -a ${word} -d ${quoted(COMMANDS[word].summary)}`
  );
}

function of(name: CommandName): string[] {
  return Object.entries(flagsOf(name)).map(([flag, { short, value, values = [], kind, about }]) => {
    const given = kind === "model" ? MODELS : kind === "models" ? "(__o1_api_model_list)" : "";
    const parts = [
      `complete -c o1-api -n '__o1_api_in "${name}"' -l ${flag}`,
      ...short === undefined ? [] : [`-s ${short}`],
      ...value === undefined ? [] : [kind === "file" ? "-r -F" : "-x"],
      ...given === "" ? [] : [`-a '${given}'`],
      ...values.length === 0 ? [] : [`-a '${values.join(" ")}'`],
      `-d ${quoted(about)}`,
    ];
    return parts.join(" ");
  });
}

function quoted(text: string): string {
  return `'${text.replace(/[\\']/g, "\\$&")}'`;
}
