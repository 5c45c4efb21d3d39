/**
 * What there is: read through the operations that list it, since nothing else can. A page that loads itself every few
 * seconds must neither fill the journal with its own calls nor use up the faults that wait for others: lists are read
 * again only after somebody else has called something.
 */
import * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as Ref from "effect/Ref"
import * as Stream from "effect/Stream"
import { IdentityApi } from "../../IdentityApi.js"
import { IdentityControls, type JournalEntry } from "../../IdentityControls.js"

/** @internal */
export interface Provider {
  readonly kind: "OAuth2" | "API key" | "Payment"
  readonly name: string
  readonly vendor: string | undefined
}

/** @internal */
export interface Inventory {
  readonly workloads: ReadonlyArray<string>
  readonly providers: ReadonlyArray<Provider>
  /** The errors that came instead of a list. */
  readonly failures: ReadonlyArray<string>
  /** The calls of everybody else, oldest first. */
  readonly calls: ReadonlyArray<JournalEntry>
}

/** A list, page after page. */
const whole = <A, E>(
  page: (nextToken: string | undefined) => Effect.Effect<readonly [ReadonlyArray<A>, string | undefined], E>
): Effect.Effect<ReadonlyArray<A>, E> =>
  Stream.paginateChunkEffect(undefined, (token: string | undefined) =>
    Effect.map(
      page(token),
      ([items, next]) => [Chunk.fromIterable(items), Option.map(Option.fromNullable(next), String)] as const
    )).pipe(Stream.runCollect, Effect.map(Chunk.toReadonlyArray))

const maxResults = 20

const given = (nextToken: string | undefined) => ({ maxResults, ...(nextToken !== undefined && { nextToken }) })

const lists = Effect.gen(function*() {
  const api = yield* IdentityApi
  const [workloads, oauth2, apiKey, payment] = yield* Effect.all([
    whole((token) =>
      Effect.map(
        api.listWorkloadIdentities(given(token)),
        (reply) => [reply.workloadIdentities.map(({ name }) => name), reply.nextToken] as const
      )
    ),
    whole((token) =>
      Effect.map(api.listOauth2CredentialProviders(given(token)), (reply) =>
        [
          reply.credentialProviders.map(({ credentialProviderVendor: vendor, name }): Provider => ({
            kind: "OAuth2",
            name,
            vendor: vendor.replace(/Oauth2$/, "")
          })),
          reply.nextToken
        ] as const)
    ),
    whole((token) =>
      Effect.map(api.listApiKeyCredentialProviders(given(token)), (reply) =>
        [
          reply.credentialProviders.map(({ name }): Provider => ({ kind: "API key", name, vendor: undefined })),
          reply.nextToken
        ] as const)
    ),
    whole((token) =>
      Effect.map(api.listPaymentCredentialProviders(given(token)), (reply) =>
        [
          reply.credentialProviders.map(({ credentialProviderVendor: vendor, name }): Provider => ({
            kind: "Payment",
            name,
            vendor
          })),
          reply.nextToken
        ] as const)
    )
  ], { mode: "either" })
  return { workloads, oauth2, apiKey, payment }
})

type Lists = Effect.Effect.Success<typeof lists>

/**
 * What was read last, and which entries of the journal came of the reading.
 *
 * @internal
 */
export interface Memory {
  readonly lists: Lists
  readonly own: ReadonlySet<JournalEntry>
  /** The end of the journal when the lists were read; none if somebody called in between. */
  readonly end: JournalEntry | undefined
}

const failureOf = (list: Either.Either<unknown, { readonly _tag: string }>): ReadonlyArray<string> =>
  Either.isLeft(list) ? [list.left._tag] : []

const orEmpty = <A>(list: Either.Either<ReadonlyArray<A>, unknown>): ReadonlyArray<A> =>
  Either.getOrElse(list, () => [])

const isListing = ({ operation }: JournalEntry) => operation.startsWith("list")

const readAgain = (before: ReadonlyArray<JournalEntry>, own: ReadonlySet<JournalEntry>) =>
  Effect.gen(function*() {
    const read = yield* lists
    const after = yield* (yield* IdentityControls).journal
    const known = new Set(before)
    const fresh = after.filter((entry) => !known.has(entry))
    const memory: Memory = {
      lists: read,
      own: new Set(after.filter((entry) => own.has(entry) || (!known.has(entry) && isListing(entry)))),
      end: fresh.every(isListing) ? after.at(-1) : undefined
    }
    return [memory, after] as const
  })

/** @internal */
export const read = (
  memory: Ref.Ref<Memory | undefined>
): Effect.Effect<Inventory, never, IdentityApi | IdentityControls> =>
  Effect.gen(function*() {
    const journal = yield* (yield* IdentityControls).journal
    const known = yield* Ref.get(memory)
    const isFresh = known?.end !== undefined && known.end === journal.at(-1)
    const [now, entries] = isFresh ? [known, journal] : yield* readAgain(journal, known?.own ?? new Set())
    yield* Ref.set(memory, now)
    return {
      workloads: orEmpty(now.lists.workloads),
      providers: [now.lists.oauth2, now.lists.apiKey, now.lists.payment].flatMap(orEmpty),
      failures: [
        ...failureOf(now.lists.workloads),
        ...failureOf(now.lists.oauth2),
        ...failureOf(now.lists.apiKey),
        ...failureOf(now.lists.payment)
      ],
      calls: entries.filter((entry) => !now.own.has(entry))
    }
  })
