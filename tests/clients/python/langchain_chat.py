from langchain_core.messages import HumanMessage, ToolMessage
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI
from pydantic import BaseModel


class Result(BaseModel):
    """The result."""

    answer: int


@tool
def add(a: int, b: int) -> str:
    """Adds two numbers."""
    return str(a + b)


def chat(model, **options):
    return ChatOpenAI(model=model, max_retries=0, **options)


def answer(model, question):
    return {"text": chat(model).invoke(question).text}


def stream(model, question):
    text, thinking = "", ""
    reasoning = {"effort": "medium", "summary": "auto"}
    for chunk in chat(model, use_responses_api=True, reasoning=reasoning).stream(question):
        text += chunk.text
        for block in chunk.content_blocks:
            if block["type"] == "reasoning":
                thinking += block.get("reasoning", "")
    return {"text": text, "thinking": thinking}


def tools(model, question):
    messages = [HumanMessage(question)]
    bound = chat(model).bind_tools([add])
    while True:
        message = bound.invoke(messages)
        messages.append(message)
        if not message.tool_calls:
            return {"text": message.text}
        for call in message.tool_calls:
            messages.append(ToolMessage(add.invoke(call["args"]), tool_call_id=call["id"]))


def structured(model, question):
    return chat(model).with_structured_output(Result).invoke(question).model_dump()
