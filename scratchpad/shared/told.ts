import { ConfigError, Console, Effect } from "effect"

type Failure = ConfigError.ConfigError | { readonly message: string }

const setting = (error: ConfigError.ConfigError): string => {
  switch (error._op) {
    case "And":
    case "Or":
      return `${setting(error.left)}, ${setting(error.right)}`
    case "MissingData":
      return `${error.path.join("_")} is not set`
    default:
      return `${error.path.join("_")}: ${error.message}`
  }
}

const line = (error: Failure) => ConfigError.isConfigError(error) ? setting(error) : error.message

/** A failure is one line on stderr and exit code 1; a defect is reported whole. */
export const told = <A, E extends Failure, R>(program: Effect.Effect<A, E, R>) =>
  Effect.catchAll(program, (error: E) =>
    Effect.zipRight(
      Console.error(line(error).replaceAll(/\s+/g, " ")),
      Effect.sync(() => {
        process.exitCode = 1
      })
    ))
