/**
 * Returns how to run this program in a shell, as the user has started it.
 *
 * @param folder that of main.ts, for a shell in another folder.
 */
export function programCommand(folder?: string): string {
  // Set by the launcher of the npm package.
  const launched = Deno.env.get("O1_API_COMMAND");
  if (launched) return launched;
  if (Deno.build.standalone) return shellWord(Deno.execPath());
  const isNpx = Deno.env.get("npm_command") === "exec";
  const deno = isNpx ? `npx -y deno@${Deno.version.deno}` : "deno";
  return `${deno} task${folder === undefined ? "" : ` --cwd ${shellWord(folder)}`} start`;
}

export function shellWord(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
