/**
 * HTTP agents that recognise a request that was lost on a stale connection: a kept-alive connection that the server closed
 * while the request was on its way.
 */
import * as Predicate from "effect/Predicate"

type Http = ReturnType<typeof globalThis.process.getBuiltinModule<"node:http">>
type Https = ReturnType<typeof globalThis.process.getBuiltinModule<"node:https">>

const stale = new WeakMap<object, () => void>()

/**
 * Prepares a resend if the request failed with this error on a reused connection, before the first byte of a response: closes
 * the idle connections, which are likely to be stale as well. Returns `false` after any other error.
 */
export const prepareResend = (error: unknown): boolean => {
  const closeIdle = Predicate.isObject(error) ? stale.get(error) : undefined
  closeIdle?.()
  return closeIdle !== undefined
}

const lost = new Set<unknown>(["ECONNRESET", "EPIPE"])

const bytesRead = (socket: object): unknown => Predicate.hasProperty(socket, "bytesRead") ? socket.bytesRead : undefined

const observed = <Agent extends InstanceType<Http["Agent"]>>(agent: Agent): Agent => {
  const reuseSocket = agent.reuseSocket.bind(agent)
  agent.reuseSocket = (socket, request) => {
    reuseSocket(socket, request)
    const before = bytesRead(socket)
    request.once("error", (error) => {
      if (!Predicate.hasProperty(error, "code") || !lost.has(error.code) || bytesRead(socket) !== before) return
      // An aborted request has this error too; nothing is closed for it, since it is not sent again.
      stale.set(error, () => {
        for (const sockets of Object.values(agent.freeSockets)) sockets?.forEach((socket) => socket.destroy())
      })
    })
  }
  return agent
}

// The values that the SDK's request handler uses for agents of its own.
const options = { keepAlive: true, maxSockets: 50 }

// Not an import: bundles for other platforms must not contain Node's modules.
const loader = () => globalThis.process?.getBuiltinModule

/** Tests if the platform has Node's modules. */
export const areAvailable = (): boolean => loader() !== undefined

/** The agents for an SDK client. On a platform without Node's modules there are none, and the SDK chooses its handler. */
export const make = ():
  | { readonly httpAgent: InstanceType<Http["Agent"]>; readonly httpsAgent: InstanceType<Https["Agent"]> }
  | undefined =>
{
  const load = loader()
  return load && {
    httpAgent: observed(new (load("node:http").Agent)(options)),
    httpsAgent: observed(new (load("node:https").Agent)(options))
  }
}
