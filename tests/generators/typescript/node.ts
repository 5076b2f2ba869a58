/* Runs a scenario in Node: node <bundle> <url> [<more>]. */
import { run } from "scenario";

const [url = "", more = ""] = process.argv.slice(2);
const report = await run(url, more);
process.stdout.write(`${JSON.stringify(report)}\n`);
process.exit(0);
