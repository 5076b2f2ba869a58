/* Makes a scenario callable from a page's script. */
import { run } from "scenario";

Object.assign(globalThis, { runScenario: run });
