/**
 * What is allowed, in plain data: which credentials the port has issued, for what and when, and which events have made earlier
 * ones stale. Events are ordered by `tick`.
 */
import { Array as Arr, Cause, Exit, Option, Order, Redacted } from "effect"

/** What a credential is issued for. A key of an API has neither scopes nor a flow, and a workload access token no provider. */
export interface Grant {
  readonly user: string
  readonly provider: string
  readonly scopes: string
  readonly flow: string
}

export type Credential = "token" | "apiKey" | "workload"

export const keyOf = ({ flow, provider, scopes, user }: Grant) => `${user} ${provider} ${scopes} ${flow}`

/** One reply of the port with a credential. */
export interface Reply {
  /** The request was sent, its result was decided, and the reply was received. */
  readonly sentAt: number
  readonly decidedAt: number
  deliveredAt: number
  deliveredMillis: number
  /** The request was forced, or was a poll of a session. */
  readonly isRenewed: boolean
}

export interface Issued {
  readonly credential: Credential
  readonly grant: Grant
  readonly expiresAt: number
  readonly replies: Array<Reply>
}

/** Scopes in one order. */
export const scopesOf = (scopes: ReadonlyArray<string>) => Arr.sort(scopes, Order.string).join(",")

export type Kind = "getToken" | "forced" | "reauthenticate" | "resume" | "apiKey" | "workload"

export interface Call {
  readonly id: number
  readonly kind: Kind
  readonly grant: Grant
  /** The fixed workload access token of the call. */
  readonly workloadToken: string | undefined
  beganAt: number
  state: "active" | "interrupted" | "ended"
  /** The session that the strategy of the call waits for. */
  session: string | undefined
}

/** Credentials that were decided before `at` are stale for calls that begin after `finishedAt`. */
interface Barrier {
  readonly reason: string
  readonly matches: (credential: Credential, grant: Grant) => boolean
  readonly at: number
  readonly finishedAt: number
}

/** A token request in progress. */
export interface Sent {
  readonly key: string
  readonly call: Call | undefined
  readonly sentAt: number
}

export interface Session {
  readonly uri: string
  readonly key: string
  readonly grant: Grant
  readonly expiresAt: number
  state: "open" | "completed" | "denied"
}

export interface Lifetimes {
  readonly skew: number
  readonly timeToLive: (credential: Credential, provider: string) => number
}

const credentialOf = (kind: Kind): Credential => kind === "apiKey" || kind === "workload" ? kind : "token"

/** What the port dies with. Another defect is a fault. */
export const portDefect = "defect of the port"

export const makeModel = (lifetimes: Lifetimes) => {
  let time = 0
  const violations: Array<string> = []
  const trace: Array<string> = []
  const issued = new Map<string, Issued>()
  const barriers: Array<Barrier> = []
  const rejected = new Map<string, number>()
  const calls = new Set<Call>()
  const shown = new Map<string, "running" | "done">()

  const tick = () => ++time
  const note = (text: string) => {
    trace.push(`${time} ${text}`)
  }
  const violation = (text: string) => {
    violations.push(text)
    note(`VIOLATION ${text}`)
  }

  const barrier = (reason: string, matches: Barrier["matches"], at = tick()) => {
    const finishedAt = tick()
    note(`barrier ${reason}`)
    barriers.push({ reason, matches, at, finishedAt })
  }

  const staleBy = (call: Call, { credential, grant }: Issued, reply: Reply) =>
    barriers.find(({ at, finishedAt, matches }) =>
      finishedAt < call.beganAt && reply.decidedAt < at && matches(credential, grant)
    )

  /** Why this reply may not be what the call returns. */
  const problemOf = (call: Call, text: string, one: Issued, reply: Reply, now: number): string | undefined => {
    const stale = staleBy(call, one, reply)
    if (stale !== undefined) {
      return `stale: decided at ${reply.decidedAt}, before: ${stale.reason}`
    }
    // The cache, and no request in progress, has returned what was received before the call began.
    if (reply.deliveredAt > call.beganAt) return undefined
    if (call.kind !== "getToken" && credentialOf(call.kind) === "token") return "from the cache"
    if ((rejected.get(text) ?? Infinity) < call.beganAt) return "a workload access token that was rejected"
    if (one.credential !== "workload" && now >= one.expiresAt - lifetimes.skew) return "stale: it has expired"
    const life = lifetimes.timeToLive(one.credential, one.grant.provider)
    return now >= reply.deliveredMillis + life ? "stale: kept for too long" : undefined
  }

  const returned = (call: Call, text: string, now: number) => {
    const one = issued.get(text)
    if (one === undefined) return violation(`call ${call.id} returned a credential that was not issued`)
    if (one.credential !== credentialOf(call.kind) || keyOf(one.grant) !== keyOf(call.grant)) {
      return violation(`foreign: call ${call.id} for ${keyOf(call.grant)} returned what is for ${keyOf(one.grant)}`)
    }
    const renewed = one.replies.filter(({ isRenewed }) =>
      call.kind !== "forced" || isRenewed || call.session !== undefined
    )
    const problems = renewed.map((reply) => problemOf(call, text, one, reply, now))
    if (!problems.includes(undefined)) {
      violation(`call ${call.id} (${call.kind}) returned ${text.slice(-24)}: ${problems.join("; ") || "not forced"}`)
    }
  }

  const ofKey = (key: string) => (credential: Credential, grant: Grant) =>
    credential === "token" && keyOf(grant) === key

  /** The events that the end of a call is. */
  const concluded = (call: Call, result: { readonly text?: string; readonly tag?: string }, refused: string) => {
    const { grant, id, kind } = call
    if (kind === "forced" || kind === "reauthenticate") {
      const { text } = result
      const decided = text === undefined || text === refused ? [] : issued.get(text)?.replies ?? []
      const times = decided.filter(({ deliveredAt }) => deliveredAt < Infinity).map(({ decidedAt }) => decidedAt)
      barrier(`${kind} call ${id}`, ofKey(keyOf(grant)), times.length === 0 ? tick() : Math.max(...times))
    }
    if (result.tag === "ConsentDenied") {
      barrier(`call ${id} denied`, (_, other) => other.user === grant.user && other.provider === grant.provider)
    }
    if (result.tag === "Unauthorized" && call.workloadToken !== undefined) rejected.set(call.workloadToken, tick())
  }

  return {
    tick,
    note,
    trace,
    violations,
    violation,
    issued,
    calls,
    barrier,
    ofKey,
    began: (call: Call) => {
      call.beganAt = tick()
      call.state = "active"
      calls.add(call)
      note(`call ${call.id} begins: ${call.kind} ${keyOf(call.grant)}`)
    },
    ended: (call: Call, exit: Exit.Exit<Redacted.Redacted, unknown>, now: number, refused = "") => {
      const wasInterrupted = call.state === "interrupted"
      call.state = "ended"
      calls.delete(call)
      if (Exit.isSuccess(exit)) {
        const text = Redacted.value(exit.value)
        note(`call ${call.id} returns …${text.slice(-24)}`)
        returned(call, text, now)
        return concluded(call, { text }, refused)
      }
      const failure = Option.getOrUndefined(Cause.failureOption(exit.cause))
      if (failure !== undefined) {
        const tag = String(Reflect.get(Object(failure), "_tag"))
        note(`call ${call.id} fails: ${tag}`)
        return concluded(call, { tag }, refused)
      }
      note(`call ${call.id} ends: ${Cause.isInterruptedOnly(exit.cause) ? "interrupted" : "defect"}`)
      if (Cause.isInterrupted(exit.cause) && !wasInterrupted) violation(`call ${call.id} ends as if interrupted`)
      for (const defect of Cause.defects(exit.cause)) {
        if (defect !== portDefect) violation(`call ${call.id} dies: ${String(defect)}`)
      }
    },
    /** A request without a session and without force is sent by a call, or by a refresh that it has caused. */
    sends: (sent: Sent, inProgress: Iterable<Sent>) => {
      if (sent.call?.kind !== "getToken") return
      const { call } = sent
      for (const other of inProgress) {
        if (other.key !== sent.key || other.call?.kind !== "getToken" || other.call.state !== "active") continue
        const isSuperseded = barriers.some((one) => one.finishedAt > other.sentAt && one.finishedAt < call.beganAt)
        if (!isSuperseded && other.call !== call) {
          violation(`duplicate: call ${call.id} sends what call ${other.call.id} has sent`)
        }
      }
    },
    /** A request of this call has opened a session. */
    opens: (call: Call | undefined, key: string, sessions: ReadonlyMap<string, Session>, now: number) => {
      // A call that waits may look for the token of another session of its grant. It shows no user what that opens.
      if (call?.kind !== "getToken" || call.session !== undefined) return
      for (const other of calls) {
        const session = sessions.get(other.session ?? "")
        if (
          other.kind === "getToken" && other.state === "active" && session?.key === key &&
          session.state === "open" && now < session.expiresAt
        ) violation(`duplicate: call ${call.id} opens a session while call ${other.id} waits for one`)
      }
    },
    /** `onAuthUrl` of a strategy runs. Returns what records its end. */
    shows: (strategy: string, url: string) => {
      const key = `${strategy} ${url}`
      if (shown.has(key)) violation(`duplicate: onAuthUrl of ${key} is ${shown.get(key)} and runs again`)
      shown.set(key, "running")
      return (exit: Exit.Exit<unknown, unknown>) => {
        if (Exit.isInterrupted(exit)) shown.delete(key)
        else shown.set(key, "done")
      }
    }
  }
}

export type Model = ReturnType<typeof makeModel>
