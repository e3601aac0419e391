// A web server that edits a photo: GET /edit?prompt=a+cat+next+to+a+strawberry+on+sand returns a PNG.
//
//     swift run -c release --package-path Examples/EditServer EditServer [port]

import EmojiScenes
import Foundation
import Hummingbird
import NullTextInversion

let port = CommandLine.arguments.dropFirst().first.flatMap { Int($0) } ?? 8080
let caption = "a fox next to a strawberry on sand"

let editor = try await ImageEditor(model: .emojiScenes)
let photo = try RGBImage(contentsOf: EmojiScenes.picture("600000000051"))
let inverted = try await editor.invert(
  image: photo, caption: caption, options: InversionOptions(method: .direct))

let router = Router()
router.get("edit") { request, _ -> Response in
  // HTML forms encode spaces as plus signs.
  guard let prompt = request.uri.queryParameters.get("prompt")?.replacing("+", with: " ") else {
    throw HTTPError(
      .badRequest, message: "The query has no prompt. Describe the edited image with ?prompt=….")
  }
  do {
    // Calls run one at a time; a client that disconnects cancels its own call.
    let options = editor.recommendation.editOptions(from: caption, to: prompt)
    let edit = try await inverted.edit(prompt: prompt, options: options)
    return Response(
      status: .ok, headers: [.contentType: "image/png"],
      body: ResponseBody(byteBuffer: ByteBuffer(data: try edit.image.pngData())))
  } catch let error as InputError {
    throw HTTPError(.unprocessableContent, message: error.message)
  }
}

let server = Application(
  router: router, configuration: ApplicationConfiguration(address: .hostname("127.0.0.1", port: port)))
try await server.runService()
