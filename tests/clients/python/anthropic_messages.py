from anthropic import Anthropic, beta_tool
from pydantic import BaseModel

client = Anthropic(max_retries=0)
LIMIT = 2048


class Result(BaseModel):
    answer: int


@beta_tool
def add(a: int, b: int) -> str:
    """Adds two numbers."""
    return str(a + b)


def answer(model, question):
    messages = [{"role": "user", "content": question}]
    message = client.messages.create(model=model, messages=messages, max_tokens=LIMIT)
    return {"text": message.content[0].text}


def stream(model, question):
    text, thinking = "", ""
    with client.messages.stream(
        model=model,
        messages=[{"role": "user", "content": question}],
        max_tokens=LIMIT,
        thinking={"type": "enabled", "budget_tokens": 1024},
    ) as events:
        for event in events:
            if event.type == "text":
                text += event.text
            if event.type == "thinking":
                thinking += event.thinking
    return {"text": text, "thinking": thinking}


def tools(model, question):
    messages = [{"role": "user", "content": question}]
    runner = client.beta.messages.tool_runner(
        model=model, messages=messages, max_tokens=LIMIT, tools=[add]
    )
    return {"text": runner.until_done().content[0].text}


def structured(model, question):
    messages = [{"role": "user", "content": question}]
    message = client.messages.parse(
        model=model, messages=messages, max_tokens=LIMIT, output_format=Result
    )
    return message.parsed_output.model_dump()
