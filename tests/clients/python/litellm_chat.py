import json

import litellm
from openai_chat import ADD, Result


def complete(model, messages, **options):
    return litellm.completion(
        model=f"openai/{model}", messages=messages, max_retries=0, **options
    )


def answer(model, question):
    completion = complete(model, [{"role": "user", "content": question}])
    return {"text": completion.choices[0].message.content}


def stream(model, question):
    text, thinking = "", ""
    for chunk in complete(model, [{"role": "user", "content": question}], stream=True):
        delta = chunk.choices[0].delta
        text += delta.content or ""
        thinking += getattr(delta, "reasoning_content", None) or ""
    return {"text": text, "thinking": thinking}


def tools(model, question):
    messages = [{"role": "user", "content": question}]
    while True:
        message = complete(model, messages, tools=[ADD]).choices[0].message
        if not message.tool_calls:
            return {"text": message.content}
        messages.append(message)
        for call in message.tool_calls:
            numbers = json.loads(call.function.arguments)
            result = str(numbers["a"] + numbers["b"])
            messages.append({"role": "tool", "tool_call_id": call.id, "content": result})


def structured(model, question):
    messages = [{"role": "user", "content": question}]
    completion = complete(model, messages, response_format=Result)
    return json.loads(completion.choices[0].message.content)
