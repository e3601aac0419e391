import DiffusionCore
import EditEvaluation
import EmojiScenes
import Foundation
import NullTextInversion
import Pictures
import Tensor

// The code of the documentation comments, by module.

func tensorSymbols() {
  let t = Tensor([1, 2, 3, 4, 5, 6], shape: [2, 3])
  print(t.transposed())  // Tensor(3x2, mean 3.5, std 1.708)
  precondition("\(t.transposed())" == "Tensor(3x2, mean 3.5, std 1.708)")

  let shares = Tensor([1, 1, 1, 1], shape: [1, 4]).softmax().scalars  // [0.25, 0.25, 0.25, 0.25]
  precondition(shares == [0.25, 0.25, 0.25, 0.25])
}

func pictureSymbols(_ files: Files) throws {
  let url = files.photoURL
  let photo = try RGBImage(contentsOf: url)
  let (square, crop) = try photo.prepared(width: 512, height: 512)
  let corner = square[0, 0]  // SIMD3<UInt8>
  precondition(crop.width == photo.width && corner[0] > 0)

  try overlay(Tensor([0, 1, 2, 3], shape: [2, 2]), photo: photo, url: files.result("map.png"))
}

private func overlay(_ attention: Tensor, photo: RGBImage, url: URL) throws {
  let map = HeatMap(attention)  // for example 16 x 16
  try map.overlaid(on: photo).write(to: url)
}

func coreSymbols(_ files: Files) throws {
  try tensors(in: files)

  var options = InversionOptions()
  options.framing = .auto  // the photo's aspect ratio
  options.framing = Framing(.pixels(PixelSize(width: 768, height: 512)))  // the center with this aspect ratio
  options.framing = Framing(.square, fit: true)  // the whole photo, padded
  precondition(options.framing.fit)

  precondition(lora(files.photoURL).loras.count == 1)
}

private func lora(_ url: URL) -> ModelOptions {
  var options = ModelOptions()
  options.loras = [LoRA(url, weight: 0.8)]
  return options
}

private func tensors(in files: Files) throws {
  let url = files.result("tensors.safetensors")
  let pivots = Tensor([1, 2], shape: [2])

  var writer = SafetensorsWriter()
  writer.metadata["caption"] = "a cat sitting next to a mirror"
  writer.add("pivots", pivots)
  try writer.write(to: url)

  let read = try SafetensorsFile(contentsOf: url).tensor(named: "pivots")
  precondition(read == pivots)
}

/// Not run: it needs Stable Diffusion.
func stableDiffusionSymbols(_ url: URL, checkpointURL: URL) async throws {
  let checkpoint = try Checkpoint(URL(filePath: "stable-diffusion-v1-4"))
  let configuration = try checkpoint.configuration(of: .unet, as: UNetConfiguration.self)
  let weights = try checkpoint.weights(of: .unet)

  let block = weights["down_blocks"][0]["resnets"][1]
  let kernel = try block.tensor("conv1.weight", shape: [320, 320, 3, 3])

  let file = try SafetensorsFile(contentsOf: url)
  let weight = try file.tensor(named: "conv_in.weight")

  let editor = try await ImageEditor(model: .huggingFace("CompVis/stable-diffusion-v1-4"))

  let tokenizer = try CLIPTokenizer(folder: checkpointURL.appending(path: "tokenizer"))
  let ids = try tokenizer.encode("a photo of a cat").ids  // [49406, 320, 1125, 539, 320, 2368, 49407]

  print(configuration, kernel, weight, editor, ids)
}

func inversionSymbols(_ editor: ImageEditor, photo: RGBImage, caption: String) async throws {
  let files = InversionFiles(result: URL(filePath: "cat.nti"))
  let inverted = try await editor.invert(image: photo, caption: caption, files: files)
  try FileManager.default.removeItem(at: URL(filePath: "cat.nti"))
  precondition(!inverted.isRead)
}

func editorSymbols(_ results: Files) async throws {
  let editor = try await ImageEditor(model: .emojiScenes)
  let photo = try RGBImage(contentsOf: results.photoURL)
  let (caption, prompt) = ("a cat next to a strawberry", "a dog next to a strawberry")
  try await inversionSymbols(editor, photo: photo, caption: caption)
  try await publishedMethod(editor, photo: photo, caption: caption, prompt: prompt)

  let change = PromptChange(from: "a cat next to a dog", to: "a cat")  // a removal of "dog"
  precondition(change.kind == .removal)

  var options = InversionOptions.fast
  options.steps = 20
  options.method = .nullText(NullText(innerSteps: 5))
  let inverted = try await editor.invert(image: photo, caption: caption, options: options)

  try await attentionMap(inverted, photo: photo, url: results.result("map.png"))
  try await report(editor, inverted, photo: photo, folder: results.result("report"))
  precondition(editOptions().blend == blend())
  try windows()
  try words(editor.model.tokenizer)
}

private func attentionMap(_ inverted: InvertedImage, photo: RGBImage, url: URL) async throws {
  let maps = try await inverted.attentionMaps()
  let cat = try maps.map(of: "cat")  // height x width
  try maps.overlay(of: "cat", on: photo).write(to: url)
  precondition(cat.shape.count == 2)
}

private func report(_ editor: ImageEditor, _ inverted: InvertedImage, photo: RGBImage, folder: URL)
  async throws
{
  let duration = Duration.seconds(1)
  let pictures = try await editor.reportPictures(of: inverted, photo: photo)
  let report = InversionReport(inverted, pictures: pictures, duration: duration)
  try report.write(to: folder, pictures: pictures)

  let (reconstruction, edited, url) = (photo, photo, folder.appendingPathComponent("sheet.png"))
  let sheet = ContactSheet([
    .init(photo, label: "photo"), .init(reconstruction, label: "reconstruction, 28.9 dB"),
    .init(edited, label: "a tiger sitting next to a mirror"),
  ])
  try sheet.rendered().write(to: url)
}

private func editOptions() -> EditOptions {
  var options = EditOptions()
  options.promptToPrompt?.selfSteps = 0.6
  options.blend = LocalBlend("cat", "tiger")
  return options
}

private func blend() -> LocalBlend {
  let blend = LocalBlend("cat", "tiger")
  return blend
}

private func windows() throws {
  let first: StepWindow = 0.4
  let early = first.steps(of: 50)  // 0..<20
  let middle = try StepWindow(0.1, 0.5).steps(of: 50)  // 5..<25
  precondition(early == 0..<20 && middle == 5..<25)
}

private func words(_ tokenizer: CLIPTokenizer) throws {
  let words = try PromptWords(tokenizer.encode("a silver cat, asleep"))
  let cat = try words.tokens(of: "cat")  // [3, 4], including the token of the comma
  let both = try words.tokens(of: "silver cat")  // [2, 3, 4]
  precondition(cat.count < both.count)
}

private func publishedMethod(_ editor: ImageEditor, photo: RGBImage, caption: String, prompt: String)
  async throws
{
  let method = PublishedMethod.hEditD
  let inverted = try await editor.invert(image: photo, caption: caption, options: method.inversion)
  let edited = try await inverted.edit(prompt: prompt, options: method.edit)
  precondition(edited.image != photo)
}
