/** The options for the workload identity and the user of a credential, and the workload access token for them. */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import type { IdentityService } from "../IdentityService.js"
import type { OptionNames } from "../internal/model/optionNames.js"
import * as Input from "./input.js"
import { optional, required } from "./option.js"
import * as Output from "./output.js"

/** @internal */
export const options = {
  workload: required("workload", "NAME", "the name of the workload identity"),
  user: optional("user", "ID", "the id of the user, instead of --user-token"),
  userToken: optional(
    "user-token",
    "FILE",
    "the file with the JWT of the user, or - for standard input, instead of --user"
  )
}

/** @internal */
export interface Options {
  readonly workload: string
  readonly user: Option.Option<string>
  readonly userToken: Option.Option<string>
}

/** @internal */
export const names: OptionNames = [
  ["workloadName", "--workload"],
  ["userId", "--user"],
  ["userToken", "--user-token"]
]

/** Rejects both options of the user, since the id and the JWT may belong to different users. */
export const check = ({ user, userToken }: Pick<Options, "user" | "userToken">) =>
  Option.isSome(user) && Option.isSome(userToken)
    ? Effect.fail(Output.usageInvalid("--user and --user-token exclude each other: pass one of them"))
    : Effect.void

/** A workload access token in a request that is validated and not sent. */
export const anyToken = Redacted.make("token")

/** @internal */
export const readToken = (given: Option.Option<string>) =>
  Effect.transposeOption(Option.map(given, (path) => Input.secret(path, "the JWT of the user")))

/** @internal */
export const workloadAccessToken = (identity: IdentityService["Type"], { user, userToken, workload }: Options) =>
  Effect.flatMap(readToken(userToken), (jwt) =>
    identity.getWorkloadAccessToken({
      workloadName: workload,
      userId: Option.isSome(jwt) ? undefined : Option.getOrUndefined(user),
      userToken: Option.getOrUndefined(jwt)
    }))
