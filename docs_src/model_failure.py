from mnemic import Memory
from mnemic.errors import ModelError
from mnemic.testing.fakes import FakeLLM

m = Memory(":memory:", llm=FakeLLM(ModelError("the server could not be reached")))

# begin failure
answer = m.add("I play tennis on Saturdays.", user_id="alice")
print(answer["results"])
print(answer["receipt"]["messages"][0]["state"], answer["receipt"]["messages"][0]["reason"])

hit = m.search("tennis", user_id="alice")["results"][0]
print(hit["kind"], hit["memory"])
# end failure

m.close()
