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

/** Reports a failure in one line on stderr, with exit code 1. A defect is reported in full. */
export const reportErrors = <A, E extends Failure, R>(program: Effect.Effect<A, E, R>) =>
  Effect.catchAll(program, (error: E) =>
    Effect.zipRight(
      Console.error(line(error).replaceAll(/\s+/g, " ")),
      Effect.sync(() => {
        process.exitCode = 1
      })
    ))
