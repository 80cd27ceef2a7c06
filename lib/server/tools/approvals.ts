/**
 * Which calls wait for their client's approval. Each can be answered once, by the client that was
 * asked, and only what was asked can be approved. Stores no arguments, so that it also works for
 * responses that are not stored.
 */
import { invalidValue } from "../../api/body.ts";
import {
  APPROVAL_REQUEST,
  type ApprovalAnswer,
  type ApprovalRequest,
} from "../../api/responses/approvals.ts";
import { ownerOf } from "../../api/responses/items.ts";
import type { ResponseObject } from "../../api/responses/object.ts";
import { calledTool, type ClientTools } from "../../api/responses/tools.ts";
import type { ApprovedCall } from "../../reasoning/tools/approved.ts";
import { sha256 } from "../../sha256.ts";
import { createSetJson, type SetJson } from "../../store/entries.ts";
import type { Change, EntryKey, Store } from "../../store/store.ts";
import type { SelectedTools } from "./hosted.ts";

/** Hashes of the calls that a response asks about, by the ids of their items; null once answered. */
type Asked = Record<string, string | null>;

/** How often an answer is tried again after another one was written meanwhile. */
const MAX_TRIES = 20;

export type ApprovalStore = ReturnType<typeof createApprovalStore>;

export function approvalKey(owner: string, responseId: string): EntryKey {
  return { collection: `approval/${owner}`, id: responseId };
}

/**
 * Builds the change that stores what a response asks; none if it asks nothing. A repeated write does
 * not take an answer back.
 */
export async function askedChanges(
  owner: string,
  { id, output }: Pick<ResponseObject, "id" | "output">,
  tools: ClientTools,
  setJson: SetJson,
): Promise<Change[]> {
  const asked: Asked = {};
  for (const item of output) {
    const tool = item.type === APPROVAL_REQUEST ? tools[calledTool(item, tools)] : undefined;
    if (tool?.type !== APPROVAL_REQUEST) continue;
    asked[item.id!] = await hashOf(tool.server, item as unknown as ApprovalRequest);
  }
  if (Object.keys(asked).length === 0) return [];
  return [setJson(approvalKey(owner, id), asked, null)];
}

export function createApprovalStore(store: Store, ttlMs: number) {
  const setJson = createSetJson(ttlMs);

  /** @throws {ApiError} 400 if the call can't be approved. */
  async function check(
    { request, param }: ApprovalAnswer,
    asked: Asked,
    server: string,
  ): Promise<void> {
    const hash = Object.hasOwn(asked, request.id) ? asked[request.id] : undefined;
    if (hash === undefined) {
      throw invalidValue(
        param,
        "this server has not asked you for this approval, or does not remember it",
      );
    }
    if (hash === null) {
      throw invalidValue(param, "it was already answered, and a call runs only once. Ask again");
    }
    if (hash !== await hashOf(server, request)) {
      throw invalidValue(param, "the call is not the one that this server has asked about");
    }
  }

  return {
    /**
     * Accepts a client's answers, all or none, and returns the calls to run.
     *
     * @throws {ApiError} 400 for the approval of a call that was not asked of this client, that
     *   differs from it, that was answered before, or whose tool the request may not use.
     */
    async answer(
      owner: string,
      answers: readonly ApprovalAnswer[],
      tools: Pick<SelectedTools, "find"> | undefined,
    ): Promise<ApprovedCall[]> {
      const approved = answers.flatMap((answer) => {
        const { request: { id, server_label, name, arguments: json }, approve, param } = answer;
        if (!approve) return [];
        const tool = tools?.find(server_label, name);
        if (tool === undefined) throw unavailable(param, server_label, name);
        return [{ answer, tool, call: { id, tool, arguments: json } }];
      });
      const byResponse = Map.groupBy(answers, responseOf);
      const ids = [...byResponse.keys()];
      for (let tries = 0; answers.length > 0; tries++) {
        const entries = await store.get(ids.map((id) => approvalKey(owner, id)));
        const askedBy = new Map(entries.map((entry, index): [string, Asked] => [
          ids[index]!,
          entry === undefined ? {} : JSON.parse(entry.value),
        ]));
        for (const { answer, tool } of approved) {
          const asked = askedBy.get(responseOf(answer)) ?? {};
          await check(answer, asked, tool.server);
        }
        const changes = entries.flatMap((entry, index) => {
          if (entry === undefined) return [];
          const id = ids[index]!;
          const asked = askedBy.get(id)!;
          const open = byResponse.get(id)!.filter(({ request }) =>
            typeof asked[request.id] === "string"
          );
          if (open.length === 0) return [];
          for (const { request } of open) asked[request.id] = null;
          return [setJson(approvalKey(owner, id), asked, entry.version)];
        });
        if (changes.length === 0 || await store.write(changes)) break;
        if (tries === MAX_TRIES) {
          throw new Error(`The approvals were changed ${tries} times meanwhile`);
        }
      }
      return approved.map(({ call }) => call);
    },
  };
}

function responseOf({ request: { id } }: ApprovalAnswer): string {
  return `resp_${ownerOf(id) ?? ""}`;
}

function unavailable(param: string, label: string, name: string): Error {
  const tool = `the tool '${name.slice(0, 64)}' of '${label.slice(0, 64)}'`;
  return invalidValue(
    param,
    `${tool} can't be used now. Send the same tool of the type 'mcp' in 'tools' again`,
  );
}

/** @param server the configuration's name of the server, which its label does not determine. */
async function hashOf(
  server: string,
  { server_label, name, arguments: json }: ApprovalRequest,
): Promise<string> {
  return (await sha256(JSON.stringify([server, server_label, name, json]))).toHex();
}
