import json

from openai import OpenAI
from openai_chat import ADD, Result

client = OpenAI(max_retries=0)
TOOL = {"type": "function", "strict": False, **ADD["function"]}


def answer(model, question):
    return {"text": client.responses.create(model=model, input=question).output_text}


def stream(model, question):
    text, thinking = "", ""
    events = client.responses.create(
        model=model, input=question, stream=True, reasoning={"summary": "auto"}
    )
    for event in events:
        if event.type == "response.output_text.delta":
            text += event.delta
        if event.type == "response.reasoning_summary_text.delta":
            thinking += event.delta
    return {"text": text, "thinking": thinking}


def tools(model, question):
    items = [{"role": "user", "content": question}]
    while True:
        response = client.responses.create(model=model, input=items, tools=[TOOL], store=False)
        calls = [item for item in response.output if item.type == "function_call"]
        if not calls:
            return {"text": response.output_text}
        items += response.output
        for call in calls:
            numbers = json.loads(call.arguments)
            output = str(numbers["a"] + numbers["b"])
            items.append(
                {"type": "function_call_output", "call_id": call.call_id, "output": output}
            )


def structured(model, question):
    response = client.responses.parse(model=model, input=question, text_format=Result)
    return response.output_parsed.model_dump()
