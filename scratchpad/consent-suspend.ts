import { Console, Effect, Redacted } from "effect"
import { Consent, IdentityService } from "effect-agentcore-identity"
import * as Folder from "./consent/Folder.js"
import { asAda, repository, setUp } from "./consent/world.js"
import { reportErrors } from "./shared/reportErrors.js"

/** Requests a token, suspends the call, and ends. `consent-resume.ts` resumes it in another process. */
const program = (directory: string) =>
  Effect.gen(function*() {
    yield* setUp
    const identity = yield* IdentityService.IdentityService
    yield* identity.getToken({ ...repository, workloadAccessToken: yield* asAda, consent: Consent.suspend }).pipe(
      Effect.catchTag("ConsentRequired", ({ handle = Redacted.make("") }) => Folder.keep(directory, handle))
    )
    yield* Console.log(`suspended, to resume with: npx tsx scratchpad/consent-resume.ts ${directory}`)
  })

Folder.create(process.argv[2]).pipe(
  Effect.flatMap((directory) => Effect.provide(program(directory), Folder.layer(directory))),
  reportErrors,
  Effect.runPromise
)
