/** Settings of a Redis connection, from the options of the program. */
import * as Duration from "effect/Duration"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import type { SecureContext } from "node:tls"
import type { Options } from "../../Redis.js"
import * as certificates from "../lib/certificates.js"
import { parseUrl } from "../lib/url.js"

/** Durations are in milliseconds. */
export interface Settings {
  readonly host: string
  readonly port: number
  /** `undefined` without TLS. */
  readonly tls: { readonly secureContext?: SecureContext } | undefined
  readonly database: number
  readonly username: string | undefined
  readonly password: Redacted.Redacted | undefined
  readonly prefix: string
  readonly connectTimeout: number
  readonly commandTimeout: number
}

/** A wrong option: its name, and the rule. The messages do not contain the URL, which may contain a password. */
export interface Problem {
  readonly option: string
  readonly message: string
}

const problem = (option: string, message: string) => Either.left<Problem>({ option, message })

const decodeText = Option.liftThrowable(decodeURIComponent)

const readTimeout = (option: string, value: Duration.DurationInput) => {
  const millis = Duration.toMillis(value)
  return millis > 0 && Number.isFinite(millis)
    ? Either.right(millis)
    : problem(option, `${option} must be a finite duration of more than 0`)
}

/** @internal */
export const decode = (options: Options): Either.Either<Settings, Problem> =>
  Either.gen(function*() {
    const { connectTimeout = "2 seconds", commandTimeout = "2 seconds", prefix = "agentcore-identity:" } = options
    const parsed = parseUrl(Redacted.isRedacted(options.url) ? Redacted.value(options.url) : options.url)
    if (
      Option.isNone(parsed) || !["redis:", "rediss:"].includes(parsed.value.protocol) || parsed.value.hostname === ""
    ) {
      return yield* problem("url", "url must be redis://HOST:PORT or rediss://HOST:PORT, with TLS")
    }
    const { hash, hostname, pathname, port, protocol, search } = parsed.value
    const given = { username: decodeText(parsed.value.username), password: decodeText(parsed.value.password) }
    if (search !== "" || hash !== "") return yield* problem("url", "url must have no parameters and no fragment")
    const database = /^\/?(\d{0,6})$/.exec(pathname)?.[1]
    if (database === undefined) {
      return yield* problem("url", "the path of url must be the number of a database, such as /0")
    }
    if (Option.isNone(given.username) || Option.isNone(given.password)) {
      return yield* problem("url", "the user name and the password of url must be percent-encoded")
    }
    const { certificateAuthorities = [] } = options
    const isTls = protocol === "rediss:"
    if (!isTls && certificateAuthorities.length > 0) {
      return yield* problem("certificateAuthorities", "certificateAuthorities need a url with rediss://")
    }
    const secureContext = yield* Either.mapLeft(certificates.secureContext(certificateAuthorities), (message) => ({
      option: "certificateAuthorities",
      message: `certificateAuthorities${message}`
    }))
    if (prefix === "") return yield* problem("prefix", "prefix must not be empty")
    const password = given.password.value === "" ? undefined : Redacted.make(given.password.value)
    return {
      host: hostname.startsWith("[") ? hostname.slice(1, -1) : hostname,
      port: port === "" ? 6379 : Number(port),
      tls: isTls ? (secureContext === undefined ? {} : { secureContext }) : undefined,
      database: Number(database),
      username: options.username ?? (given.username.value === "" ? undefined : given.username.value),
      password: options.password ?? password,
      prefix,
      connectTimeout: yield* readTimeout("connectTimeout", connectTimeout),
      commandTimeout: yield* readTimeout("commandTimeout", commandTimeout)
    }
  })
