import * as Channel from "effect/Channel"
import * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import * as Stream from "effect/Stream"
import type { IdentityApi } from "../../IdentityApi.js"
import { UndecodableReply } from "../../IdentityError.js"
import type { WorkloadIdentity } from "../../WorkloadIdentity.js"
import { renameFields } from "../model/optionNames.js"

interface Page {
  readonly nextToken?: string | undefined
}

/**
 * Streams the items of a paged operation, and requests a page when it is pulled. It is a channel of its own, since
 * `Stream.paginateChunkEffect` brings the interpreter of channels into the bundle of every program, also of one that lists nothing.
 */
const paged = <Reply extends Page, Item, E>(
  operation: string,
  list: (request: Page & { readonly maxResults?: number | undefined }) => Effect.Effect<Reply, E>,
  items: (reply: Reply) => ReadonlyArray<Item>
) =>
(options?: { readonly pageSize?: number | undefined }): Stream.Stream<Item, E | UndecodableReply> => {
  const from = (
    nextToken: string | undefined
  ): Channel.Channel<Chunk.Chunk<Item>, unknown, E | UndecodableReply, unknown, unknown, unknown> =>
    Channel.flatMap(
      Channel.fromEffect(Effect.suspend(() => list({ maxResults: options?.pageSize, nextToken }))),
      (reply) => {
        // The service may return an empty token at the end.
        const next = reply.nextToken || undefined
        if (next !== undefined && next === nextToken) {
          // The same page would follow without end.
          return Channel.fail(
            new UndecodableReply({
              operation,
              path: "nextToken",
              message: `the reply of ${operation} repeats the nextToken of its request`
            })
          )
        }
        const page = Channel.write(Chunk.unsafeFromArray(items(reply)))
        return next === undefined ? page : Channel.flatMap(page, () => from(next))
      }
    )
  return Stream.fromChannel(Channel.suspend(() => from(undefined)))
}

/** Generates `workload-` and eight hexadecimal digits, as the Python client does. */
const generatedName = Effect.map(
  Random.nextIntBetween(0, 2 ** 32),
  (n) => `workload-${n.toString(16).padStart(8, "0")}`
)

const urlList = "allowedResourceOauth2ReturnUrls"

/** @internal */
export const make = (api: IdentityApi["Type"], lock: Effect.Semaphore) => {
  // The service replaces the whole list and has no version to compare, so changes of this process are serialized.
  const changeReturnUrls = (name: string, change: (urls: ReadonlyArray<string>) => ReadonlyArray<string>) =>
    lock.withPermits(1)(Effect.flatMap(api.getWorkloadIdentity({ name }), (identity) => {
      const urls = identity.allowedResourceOauth2ReturnUrls ?? []
      const changed = change(urls)
      return changed.length === urls.length
        ? Effect.succeed<WorkloadIdentity>(identity)
        : Effect.mapError(
          api.updateWorkloadIdentity({ name, [urlList]: changed }),
          renameFields([[`${urlList}[${changed.length - 1}]`, "url"], [urlList, "url"]])
        )
    }))

  return {
    createWorkloadIdentity: (options: {
      readonly name?: string | undefined
      readonly allowedResourceOauth2ReturnUrls?: ReadonlyArray<string> | undefined
      readonly tags?: { readonly [key: string]: string } | undefined
    } = {}) =>
      Effect.flatMap(
        options.name === undefined ? generatedName : Effect.succeed(options.name),
        (name) => api.createWorkloadIdentity({ allowedResourceOauth2ReturnUrls: [], ...options, name })
      ),
    addReturnUrl: ({ name, url }: { readonly name: string; readonly url: string }) =>
      changeReturnUrls(name, (urls) => urls.includes(url) ? urls : [...urls, url]),
    removeReturnUrl: ({ name, url }: { readonly name: string; readonly url: string }) =>
      changeReturnUrls(name, (urls) => urls.filter((one) => one !== url)),
    listWorkloadIdentities: paged(
      "ListWorkloadIdentities",
      api.listWorkloadIdentities,
      (reply) => reply.workloadIdentities
    ),
    listOauth2CredentialProviders: paged(
      "ListOauth2CredentialProviders",
      api.listOauth2CredentialProviders,
      (reply) => reply.credentialProviders
    ),
    listApiKeyCredentialProviders: paged(
      "ListApiKeyCredentialProviders",
      api.listApiKeyCredentialProviders,
      (reply) => reply.credentialProviders
    ),
    listPaymentCredentialProviders: paged(
      "ListPaymentCredentialProviders",
      api.listPaymentCredentialProviders,
      (reply) => reply.credentialProviders
    ),
    listConsentPortals: paged("ListConsentPortals", api.listConsentPortals, (reply) => reply.consentPortals)
  }
}
