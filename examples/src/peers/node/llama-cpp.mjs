// llama.cpp through node-llama-cpp, as a benchmark peer. Arguments: GGUF file, threads, ids of the prompt separated by commas, tokens to
// decode. Commands, one per line: prefill (answers the next id), decode (answers the ids that follow the prompt, greedily), or ids
// separated by commas (answers the greedy choice after them).
import {createInterface} from "node:readline";
import {getLlama} from "node-llama-cpp";

const [modelPath, threadCount, promptIds, tokenCount] = process.argv.slice(2);
const threads = Number(threadCount);
const ids = (separated) => separated.split(",").map(Number);
const prompt = ids(promptIds);
const tokens = Number(tokenCount);

const logger = (level, message) => console.error(message);
const llama = await getLlama({build: "never", gpu: false, maxThreads: 0, logLevel: "warn", logger});
const model = await llama.loadModel({modelPath});
const context = await model.createContext({contextSize: prompt.length + tokens, batchSize: prompt.length, threads, sequences: 1});
const sequence = context.getSequence();
// the last token of the prompt is what decoding starts from, so that it can be repeated from the same place
let next = -1;

async function after(start) {
    await sequence.clearHistory();
    for await (const id of sequence.evaluate(start, {temperature: 0})) return id;
}

async function prefill() {
    next = await after(prompt);
    return [next];
}

async function decode() {
    const beyond = {start: prompt.length, end: sequence.nextTokenIndex};
    if (beyond.end > beyond.start) await sequence.eraseContextTokenRanges([beyond]);
    const taken = [next];
    for await (const id of sequence.evaluate([next], {temperature: 0})) {
        taken.push(id);
        if (taken.length > tokens) break;
    }
    return taken;
}

const answer = (numbers) => process.stdout.write("@ " + numbers.join(" ") + "\n");

const commands = {prefill, decode};

answer([]);
for await (const command of createInterface({input: process.stdin})) {
    answer(command in commands ? await commands[command]() : [await after(ids(command))]);
}
process.exit(0);
