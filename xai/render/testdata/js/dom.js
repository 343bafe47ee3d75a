// A document of as little as the scripts of figures use, to test them without a browser.
'use strict';
const fs=require('fs'),path=require('path');

class Style{
  constructor(){this.set={}}
  setProperty(k,v){this.set[k]=v}
}

class Element{
  constructor(tag,attributes={},...children){
    this.tagName=tag.toUpperCase();this.attributes={};this.dataset={};this.style=new Style();this.kids=[];this.value='';this.hidden=false;this.parent=null;
    for(const [k,v] of Object.entries(attributes))this.setAttribute(k,v);
    this.append(...children)}
  setAttribute(k,v){
    this.attributes[k]=String(v);
    if(k==='class')this.className=String(v);
    if(k.startsWith('data-'))this.dataset[k.slice(5)]=String(v)}
  getAttribute(k){return k in this.attributes?this.attributes[k]:null}
  hasAttribute(k){return k in this.attributes}
  toggleAttribute(k,on){if(on)this.attributes[k]='';else delete this.attributes[k]}
  set className(v){this.attributes['class']=v}
  get className(){return this.attributes['class']||''}
  get children(){return this.kids.filter(k=>k instanceof Element)}
  get childNodes(){return this.kids}
  get firstElementChild(){return this.children[0]}
  adopt(n){if(n instanceof Element){n.remove();n.parent=this}return n}
  append(...nodes){for(const n of nodes){const kid=this.adopt(n);this.kids.push(kid)}}
  prepend(...nodes){for(const n of nodes.reverse()){const kid=this.adopt(n);this.kids.unshift(kid)}}
  remove(){if(this.parent)this.parent.kids=this.parent.kids.filter(k=>k!==this);this.parent=null}
  cloneNode(){return new Element(this.tagName.toLowerCase(),this.attributes)}
  get textContent(){return this.kids.map(k=>k instanceof Element?k.textContent:k).join('')}
  set textContent(t){this.kids=t===''?[]:[String(t)]}
  matches(selector){
    return selector.split(',').some(s=>{
      const m=/^([a-z]*)((?:\.[\w-]+)*)((?:\[[\w-]+\])*)$/.exec(s.trim());
      if(!m)throw new Error('selector '+s);
      return (!m[1]||this.tagName.toLowerCase()===m[1])&&
        m[2].split('.').slice(1).every(c=>this.className.split(' ').includes(c))&&
        (m[3].match(/[\w-]+/g)||[]).every(a=>this.hasAttribute(a)||a==='tabindex'&&this.tabIndex!==undefined)})}
  closest(selector){return this.matches(selector)?this:this.parent&&this.parent.closest(selector)}
  querySelectorAll(selector){return this.children.flatMap(c=>[...(c.matches(selector)?[c]:[]),...c.querySelectorAll(selector)])}
  querySelector(selector){return this.querySelectorAll(selector)[0]||null}
  // Of tables:
  get tBodies(){return this.querySelectorAll('tbody')}
  get tHead(){return this.querySelector('thead')}
  get rows(){return this.querySelectorAll('tr')}
  get cells(){return this.children}
  // Of a canvas:
  getContext(){return {
    createImageData:(w,h)=>({data:new Uint8ClampedArray(4*w*h)}),
    putImageData:img=>{this.painted=img.data}}}
  addEventListener(){}
  getBoundingClientRect(){return {left:0,top:0,width:this.clientWidth||100,height:this.clientHeight||100}}
}

// el makes an element; its children follow the attributes.
const el=(tag,attributes,...children)=>new Element(tag,attributes,...children);

// script returns the function that a file of the folder html holds.
function script(name){
  const source=fs.readFileSync(path.join(__dirname,'..','..','html',name+'.js'),'utf8').replace(/^\s*\/\/.*$/gm,'');
  const document={createElement:tag=>new Element(tag),activeElement:null};
  return new Function('document','window','atob','return '+source.trim())(document,{addEventListener(){}},s=>Buffer.from(s,'base64').toString('latin1'))}

// key presses a key; it reports whether the handler took it.
function key(on,target,name){
  let taken=false;
  on.onkeydown({key:name,target,preventDefault(){taken=true},stopPropagation(){}});
  return taken}

module.exports={el,script,key};
