/** The test controls of the emulator. */
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Hash from "effect/Hash"
import * as Option from "effect/Option"
import * as Record from "effect/Record"
import * as Redacted from "effect/Redacted"
import { type Failure, type OperationKey, operations } from "../../IdentityApi.js"
import {
  type FailureTag,
  type Grant,
  type IdentityControls,
  type Inventory,
  type Owner,
  type PendingFailure,
  SessionNotPending
} from "../../IdentityControls.js"
import { ControlLimitReached } from "../model/controlLimit.js"
import * as validation from "../model/validation.js"
import * as browser from "./data/browserAuthorization.js"
import { issuerOf } from "./data/clients.js"
import * as completion from "./data/completion.js"
import * as sessionPages from "./data/sessionPages.js"
import * as selection from "./data/tokenSelection.js"
import { workloadArn } from "./state/arns.js"
import * as assumptions from "./state/assumptions.js"
import * as callLog from "./state/callLog.js"
import * as controlLimits from "./state/controlLimits.js"
import { simulated } from "./state/issuer.js"
import { fromTag } from "./state/modelled.js"
import * as quotas from "./state/quotas.js"
import * as sessions from "./state/session.js"
import type { Grant as StoredGrant, State } from "./state/state.js"
import { type Diagnostics, result, type Store } from "./state/store.js"
import * as Table from "./state/table.js"
import { userKey } from "./state/user.js"

/** @internal */
export const make = (store: Store): Omit<IdentityControls["Type"], "consentAutomatically" | "seed"> => {
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

  /** Ends a session, and wakes the calls that wait for it: they poll, and find its result. */
  const end = <Before extends sessions.Session>(...args: Parameters<typeof transition<Before>>) =>
    Effect.zipRight(
      transition(...args),
      store.completionEvents.publish(Redacted.value(args[0]))
    ).pipe(Effect.uninterruptible)

  /** Changes the state, or dies without a change if that would exceed a limit. */
  const changeWithin = (change: (state: State, now: DateTime.Utc) => Either.Either<State, ControlLimitReached>) =>
    Effect.orDie(
      store.decide((state, now) => Either.map(change(state, now), (after) => result<void>(undefined, after)))
    )

  return {
    ...browser.make(store),

    complete: completion.completeAsUser(store),

    deny: (uri) => end(uri, sessions.isPending, sessions.deny),

    setIssuer: (providerName, issuer) =>
      changeWithin((state) => {
        const before = Option.getOrUndefined(Table.get(state.issuers, providerName))
        if (JSON.stringify(before) === JSON.stringify(issuer)) return Either.right(state)
        return Either.map(
          issuer === undefined
            ? Either.right(Table.remove(state.issuers, providerName))
            : controlLimits.setIssuer(state.issuers, providerName, issuer),
          (issuers) => ({ ...assumptions.withoutTokens(state, providerName), issuers })
        )
      }),

    providerFailures: store.read((state) => Either.right(state.providerFailures)),

    expireSession: (uri) => end(uri, sessions.isUnfinished, sessions.expire),

    expireTokens: (filter) =>
      store.decide((state, now) => {
        const [grants, grantCount] = expired(state.grants, selection.grants(state, filter), now)
        const [machineTokens, machineCount] = expired(
          state.machineTokens,
          selection.machineTokens(state, filter),
          now
        )
        return Either.right(result(grantCount + machineCount, { ...state, grants, machineTokens }))
      }),

    revoke: (filter) =>
      store.decide((state) => {
        const [grants, count] = replaced(
          state.grants,
          selection.grants(state, filter),
          (grant) => Option.some({ ...grant, refresh: undefined })
        )
        return Either.right(result(count, { ...state, grants }))
      }),

    failNext: <Key extends OperationKey>(operation: Key, given: Failure<Key> | FailureTag<Key>, times = 1) => {
      const error = typeof given === "string" ? fromTag(operation, given) : given
      if (error === undefined) {
        return Effect.dieMessage(`failNext: the model lists no error '${given}' for ${operation}`)
      }
      if (times <= 0) return Effect.void
      return changeWithin((state) =>
        Either.map(controlLimits.checkFailure(state.faults, error), () => {
          const pending = state.faults[operation]?.filter(({ times }) => times > 0) ?? []
          return { ...state, faults: { ...state.faults, [operation]: [...pending, { error, times }] } }
        })
      )
    },

    pendingFailures: store.diagnostics((before) => [pendingFailures(before), before]),

    clearFailures: (operation) =>
      store.diagnostics((before) => [undefined, {
        ...before,
        faults: operation === undefined ? {} : { ...before.faults, [operation]: undefined }
      }]),

    setSecret: (secretId, json) =>
      changeWithin((state) =>
        Either.map(controlLimits.setSecret(state.secrets, secretId, json), (secrets) => ({ ...state, secrets }))
      ),

    linkToService: (name) => {
      const valid = validateName({ name })
      if (Either.isLeft(valid)) return Effect.dieMessage(`linkToService: ${valid.left.message}`)
      return changeWithin((state, now) => {
        const found = Table.get(state.workloads, name)
        const exceeded = quotas.exceededMessage(store.settings.quotas, "workloadIdentities", state.workloads)
        if (Option.isNone(found) && Option.isSome(exceeded)) {
          return Either.left(new ControlLimitReached({ field: "workloadName", reason: exceeded.value }))
        }
        return Either.right({
          ...state,
          workloads: Table.set(state.workloads, name, {
            // AgentCore Runtime and Gateway create the identities of their agents.
            ...Option.getOrElse(found, () => ({
              name,
              arn: workloadArn(store.settings, name),
              returnUrls: undefined,
              createdTime: now,
              lastUpdatedTime: now
            })),
            linked: true
          })
        })
      })
    },

    journal: store.read((state) => Either.right(callLog.entries(state.journal))),

    clearJournal: store.diagnostics((before) => [undefined, { ...before, journal: callLog.empty }]),

    sessions: store.read((state, now) => Either.right(sessionPages.all(state, now))),

    ownerOf: (secret) => store.read((state) => Either.right(findOwner(state, Redacted.value(secret)))),

    findSession: (uri) => store.read((state, now) => Either.right(sessionPages.find(state, now, uri))),

    sessionsPage: (request) => store.read((state, now) => Either.right(sessionPages.page(state, now, request))),

    sessionCounts: store.read((state, now) => Either.right(sessionPages.counts(state, now))),

    grants: store.read((state) => Either.right(grants(state, Infinity))),

    grantsPage: (limit) =>
      store.read((state) => Either.right({ grants: grants(state, limit), total: Table.size(state.grants) })),

    inventory: store.read((state) => Either.right(inventory(store, state)))
  }
}

const validateName = validation.validate(operations.createWorkloadIdentity)

const pendingFailures = ({ faults }: Diagnostics): ReadonlyArray<PendingFailure> =>
  Record.keys(operations).flatMap((operation) =>
    (faults[operation] ?? []).flatMap(({ error: { _tag, message }, times }) =>
      times > 0 ? [{ operation, error: _tag, message, times }] : []
    )
  )

const findOwner = (state: State, secret: string): Option.Option<Owner> =>
  Option.orElse(
    Option.map(Table.get(state.workloadTokens, secret), ({ user, workloadName }) => ({
      workloadName,
      user: user && userKey(user),
      providerName: undefined
    })),
    () =>
      Option.map(Table.get(state.sessions, secret), ({ providerName, user, workloadName }) => ({
        workloadName,
        user: userKey(user),
        providerName
      }))
  )

/** Replaces the selected rows by a function of them, except where it returns `None`, and counts the replaced ones. */
const replaced = <Row, Index extends string>(
  table: Table.Table<Row, Index>,
  selected: Iterable<readonly [key: string, row: Row]>,
  f: (row: Row) => Option.Option<Row>
): readonly [Table.Table<Row, Index>, number] => {
  let changed = table
  let count = 0
  for (const [key, before] of selected) {
    const row = f(before)
    if (Option.isNone(row)) continue
    changed = Table.set(changed, key, row.value)
    count++
  }
  return [changed, count]
}

/** Expires the selected tokens now, and counts them. */
const expired = <Token extends { readonly expiresAt: DateTime.Utc }, Index extends string>(
  tokens: Table.Table<Token, Index>,
  selected: Iterable<readonly [key: string, token: Token]>,
  now: DateTime.Utc
) =>
  replaced(
    tokens,
    selected,
    (token) => DateTime.lessThan(now, token.expiresAt) ? Option.some({ ...token, expiresAt: now }) : Option.none()
  )

const grants = ({ grants }: State, limit: number): ReadonlyArray<Grant> => {
  const found: Array<Grant> = []
  for (const [, grant] of Table.ascending(grants, "name")) {
    if (found.length >= limit) break
    found.push(toGrantView(grant))
  }
  return found
}

const toGrantView = (
  { accessToken, expiresAt, providerName, refresh, target, user, workloadName }: StoredGrant
): Grant => ({
  workloadName,
  user,
  providerName,
  scopes: target.scopes,
  // 32 bits reveal nothing of a random token.
  fingerprint: (Hash.string(Redacted.value(accessToken)) >>> 0).toString(16).padStart(8, "0"),
  expiresAt,
  isRefreshable: refresh !== undefined
})

const inventory = (store: Store, state: State): Inventory => ({
  workloadIdentities: Table.values(state.workloads).map(({ name }) => ({ name })),
  oauth2CredentialProviders: Table.values(state.oauth2Providers).map((provider) => ({
    name: provider.name,
    credentialProviderVendor: provider.vendor,
    callbackUrl: provider.callbackUrl,
    issuer: issuerOf(store, state, provider).issuer === simulated ? "simulated" as const : "federated" as const,
    issuerChoice: Option.getOrUndefined(Table.get(state.issuers, provider.name))
  })),
  apiKeyCredentialProviders: Table.values(state.apiKeyProviders).map(({ name }) => ({ name })),
  paymentCredentialProviders: Table.values(state.paymentProviders).map(
    ({ account, name }) => ({ name, credentialProviderVendor: account.vendor })
  )
})
