export interface Provider {
  /** Value of `--provider`. */
  name: string;
  title: string;
  /** Undefined if the user has to give it. */
  url?: string;
  /** Example of a model's id. */
  model: string;
  /** Environment variable of its key; undefined if it needs no key. */
  keyVariable?: string;
}

/** Providers that `init` knows, in the order in which they are offered. */
export const PROVIDERS: readonly Provider[] = [
  {
    name: "openai",
    title: "OpenAI",
    url: "https://api.openai.com/v1",
    model: "gpt-4o-mini",
    keyVariable: "OPENAI_API_KEY",
  },
  {
    name: "groq",
    title: "Groq",
    url: "https://api.groq.com/openai/v1",
    model: "llama-3.3-70b-versatile",
    keyVariable: "GROQ_API_KEY",
  },
  {
    name: "openrouter",
    title: "OpenRouter",
    url: "https://openrouter.ai/api/v1",
    model: "meta-llama/llama-3.3-70b-instruct",
    keyVariable: "OPENROUTER_API_KEY",
  },
  {
    name: "deepseek",
    title: "DeepSeek",
    url: "https://api.deepseek.com/v1",
    model: "deepseek-chat",
    keyVariable: "DEEPSEEK_API_KEY",
  },
  {
    name: "mistral",
    title: "Mistral",
    url: "https://api.mistral.ai/v1",
    model: "mistral-small-latest",
    keyVariable: "MISTRAL_API_KEY",
  },
  { name: "ollama", title: "Ollama", url: "http://localhost:11434/v1", model: "qwen3:8b" },
  { name: "llama.cpp", title: "llama.cpp", url: "http://localhost:8080/v1", model: "default" },
  { name: "vllm", title: "vLLM", url: "http://localhost:8000/v1", model: "Qwen/Qwen3-8B" },
  { name: "lmstudio", title: "LM Studio", url: "http://localhost:1234/v1", model: "qwen/qwen3-8b" },
  { name: "other", title: "Another provider", model: "default", keyVariable: "PROVIDER_API_KEY" },
];
