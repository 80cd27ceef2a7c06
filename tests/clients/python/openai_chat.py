import json

from openai import OpenAI
from pydantic import BaseModel

client = OpenAI(max_retries=0)

ADD = {
    "type": "function",
    "function": {
        "name": "add",
        "description": "Adds two numbers.",
        "parameters": {
            "type": "object",
            "properties": {"a": {"type": "number"}, "b": {"type": "number"}},
        },
    },
}


class Result(BaseModel):
    answer: int


def answer(model, question):
    messages = [{"role": "user", "content": question}]
    completion = client.chat.completions.create(model=model, messages=messages)
    return {"text": completion.choices[0].message.content}


def stream(model, question):
    text, thinking = "", ""
    messages = [{"role": "user", "content": question}]
    for chunk in client.chat.completions.create(model=model, messages=messages, stream=True):
        for choice in chunk.choices:
            text += choice.delta.content or ""
            thinking += getattr(choice.delta, "reasoning_content", None) or ""
    return {"text": text, "thinking": thinking}


def tools(model, question):
    messages = [{"role": "user", "content": question}]
    while True:
        completion = client.chat.completions.create(model=model, messages=messages, tools=[ADD])
        message = completion.choices[0].message
        if not message.tool_calls:
            return {"text": message.content}
        messages.append(message)
        for call in message.tool_calls:
            numbers = json.loads(call.function.arguments)
            result = str(numbers["a"] + numbers["b"])
            messages.append({"role": "tool", "tool_call_id": call.id, "content": result})


def structured(model, question):
    messages = [{"role": "user", "content": question}]
    completion = client.chat.completions.parse(
        model=model, messages=messages, response_format=Result
    )
    return completion.choices[0].message.parsed.model_dump()
