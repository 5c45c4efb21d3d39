/** The test controls of the emulator. */
import * as Arr from "effect/Array"
import * as DateTime from "effect/DateTime"
import * as Either from "effect/Either"
import * as Hash from "effect/Hash"
import * as HashMap from "effect/HashMap"
import * as HashSet from "effect/HashSet"
import * as Option from "effect/Option"
import * as Order from "effect/Order"
import * as Record from "effect/Record"
import * as Redacted from "effect/Redacted"
import { type Failure, type OperationKey, operations } from "../../IdentityApi.js"
import {
  type ConsentSession,
  type Grant,
  type GrantFilter,
  type IdentityControls,
  type Inventory,
  type Owner,
  type PendingFailure,
  SessionNotPending
} from "../../IdentityControls.js"
import * as browser from "./data/browserAuthorization.js"
import { issuerOf } from "./data/clients.js"
import * as completion from "./data/completion.js"
import { workloadArn } from "./state/arns.js"
import * as assumptions from "./state/assumptions.js"
import * as callLog from "./state/callLog.js"
import { simulated } from "./state/issuer.js"
import * as sessions from "./state/session.js"
import { type Grant as StoredGrant, type GrantKey, type State, userKey } from "./state/state.js"
import { type Diagnostics, result, type Store } from "./state/store.js"

/** @internal */
export const make = (store: Store): Omit<IdentityControls["Type"], "seed"> => {
  const transition = <Before extends sessions.Session>(
    uri: Redacted.Redacted,
    isBefore: (session: sessions.Session) => session is Before,
    after: (state: State, session: Before, now: DateTime.Utc) => State
  ) =>
    store.decide((state, now) =>
      sessions.find(state, now, uri).pipe(
        Option.filter(isBefore),
        Option.map((session) => result(undefined, after(state, session, now))),
        Either.fromOption(() => new SessionNotPending())
      )
    )

  return {
    ...browser.make(store),

    complete: completion.completeAsUser(store),

    deny: (uri) => transition(uri, sessions.isPending, sessions.deny),

    setIssuer: (providerName, issuer) =>
      store.change((state) => {
        const before = Option.getOrUndefined(HashMap.get(state.issuers, providerName))
        if (JSON.stringify(before) === JSON.stringify(issuer)) return state
        return {
          ...assumptions.withoutTokens(state, providerName),
          issuers: issuer === undefined
            ? HashMap.remove(state.issuers, providerName)
            : HashMap.set(state.issuers, providerName, issuer)
        }
      }),

    providerFailures: store.read((state) => Either.right(state.providerFailures)),

    expireSession: (uri) => transition(uri, sessions.isUnfinished, sessions.expire),

    expireTokens: (filter) =>
      store.decide((state, now) => {
        const [grants, grantCount] = expired(state.grants, now, (_, key) => matches(filter, key))
        const [machineTokens, machineCount] = expired(state.machineTokens, now, (token) => matches(filter, token))
        return Either.right(result(grantCount + machineCount, { ...state, grants, machineTokens }))
      }),

    revoke: (filter) =>
      store.decide((state) => {
        const revoked = HashMap.filter(state.grants, (_, key) => matches(filter, key))
        return Either.right(result(HashMap.size(revoked), {
          ...state,
          grants: HashMap.union(state.grants, HashMap.map(revoked, (grant) => ({ ...grant, refresh: undefined })))
        }))
      }),

    failNext: <Key extends OperationKey>(operation: Key, error: Failure<Key>, times = 1) =>
      store.change((state) => ({
        ...state,
        faults: { ...state.faults, [operation]: [...(state.faults[operation] ?? []), { error, times }] }
      })),

    pendingFailures: store.diagnostics((before) => [pendingFailures(before), before]),

    clearFailures: (operation) =>
      store.diagnostics((before) => [undefined, {
        ...before,
        faults: operation === undefined ? {} : { ...before.faults, [operation]: undefined }
      }]),

    setSecret: (secretId, json) =>
      store.change((state) => ({ ...state, secrets: HashMap.set(state.secrets, secretId, json) })),

    linkToService: (name) =>
      store.change((state, now) => ({
        ...state,
        workloads: HashMap.modifyAt(state.workloads, name, (stored) =>
          Option.some({
            // AgentCore Runtime and Gateway create the identities of their agents.
            ...Option.getOrElse(stored, () => ({
              name,
              arn: workloadArn(store.settings, name),
              returnUrls: undefined,
              createdTime: now,
              lastUpdatedTime: now
            })),
            linked: true
          }))
      })),

    journal: store.read((state) => Either.right(callLog.entries(state.journal))),

    clearJournal: store.diagnostics((before) => [undefined, { ...before, journal: callLog.empty }]),

    sessions: store.read((state, now) =>
      Either.right(
        Arr.sort(HashMap.values(state.sessions), byAge).map((session) => toSessionView(session, now))
      )
    ),

    ownerOf: (secret) => store.read((state) => Either.right(findOwner(state, Redacted.value(secret)))),

    grants: store.read((state) => Either.right(Arr.sort(HashMap.toEntries(state.grants).map(toGrantView), byName))),

    inventory: store.read((state) => Either.right(inventory(store, state)))
  }
}

const pendingFailures = ({ faults }: Diagnostics): ReadonlyArray<PendingFailure> =>
  Record.keys(operations).flatMap((operation) =>
    (faults[operation] ?? []).flatMap(({ error: { _tag, message }, times }) =>
      times > 0 ? [{ operation, error: _tag, message, times }] : []
    )
  )

const findOwner = (state: State, secret: string): Option.Option<Owner> =>
  Option.orElse(
    Option.map(HashMap.get(state.workloadTokens, secret), ({ user, workloadName }) => ({
      workloadName,
      user: user && userKey(user),
      providerName: undefined
    })),
    () =>
      Option.map(HashMap.get(state.sessions, secret), ({ providerName, user, workloadName }) => ({
        workloadName,
        user: userKey(user),
        providerName
      }))
  )

const byAge = Order.mapInput(Order.number, (session: sessions.Session) => session.ordinal)

const matches = (
  filter: GrantFilter = {},
  key: { readonly workloadName: string; readonly providerName: string; readonly user?: string }
) =>
  (filter.providerName === undefined || filter.providerName === key.providerName) &&
  (filter.workloadName === undefined || filter.workloadName === key.workloadName) &&
  (filter.user === undefined || filter.user === key.user)

/** Expires the selected entries now, and counts them. */
const expired = <Key, Token extends { readonly expiresAt: DateTime.Utc }>(
  tokens: HashMap.HashMap<Key, Token>,
  now: DateTime.Utc,
  isSelected: (token: Token, key: Key) => boolean
): readonly [HashMap.HashMap<Key, Token>, number] => {
  const selected = HashMap.filter(
    tokens,
    (token, key) => isSelected(token, key) && DateTime.lessThan(now, token.expiresAt)
  )
  return [
    HashMap.union(tokens, HashMap.map(selected, (token) => ({ ...token, expiresAt: now }))),
    HashMap.size(selected)
  ]
}

const byName = Order.mapInput(
  Order.array(Order.string),
  ({ providerName, user, workloadName }: Grant) => [workloadName, providerName, user]
)

const toGrantView = ([key, { accessToken, expiresAt, refresh, target }]: [GrantKey, StoredGrant]): Grant => ({
  workloadName: key.workloadName,
  user: key.user,
  providerName: key.providerName,
  scopes: HashSet.toValues(target.scopes),
  // 32 bits reveal nothing of a random token.
  fingerprint: (Hash.string(Redacted.value(accessToken)) >>> 0).toString(16).padStart(8, "0"),
  expiresAt,
  isRefreshable: refresh !== undefined
})

const sortedByName = <A, B extends { readonly name: string }>(
  entries: HashMap.HashMap<string, A>,
  f: (entry: A) => B
) => Arr.sort(HashMap.toValues(entries).map(f), Order.mapInput(Order.string, ({ name }: B) => name))

const inventory = (store: Store, state: State): Inventory => ({
  workloadIdentities: sortedByName(state.workloads, ({ name }) => ({ name })),
  oauth2CredentialProviders: sortedByName(state.oauth2Providers, (provider) => ({
    name: provider.name,
    credentialProviderVendor: provider.vendor,
    callbackUrl: provider.callbackUrl,
    issuer: issuerOf(store, state, provider).issuer === simulated ? "simulated" as const : "federated" as const,
    issuerChoice: Option.getOrUndefined(HashMap.get(state.issuers, provider.name))
  })),
  apiKeyCredentialProviders: sortedByName(state.apiKeyProviders, ({ name }) => ({ name })),
  paymentCredentialProviders: sortedByName(
    state.paymentProviders,
    ({ account, name }) => ({ name, credentialProviderVendor: account.vendor })
  )
})

const toSessionView = (session: sessions.Session, now: DateTime.Utc): ConsentSession => ({
  id: session.ordinal + 1,
  sessionUri: Redacted.make(session.uri),
  status: sessions.isUnfinished(session) && sessions.isExpired(session, now)
    ? "expired"
    : session.status === "completing"
    ? "approved"
    : session.status,
  workloadName: session.workloadName,
  user: userKey(session.user),
  providerName: session.providerName,
  scopes: HashSet.toValues(session.target.scopes),
  createdAt: session.createdAt,
  expiresAt: session.expiresAt
})
